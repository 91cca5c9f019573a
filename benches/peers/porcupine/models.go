package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// input is what was asked; for the bank, amounts are in whole units.
type input struct {
	f        string
	key      string
	to       string
	value    string
	expected string
	amount   int64
}

// output is what was answered. An unknown outcome constrains nothing.
type output struct {
	unknown bool
	refused bool
	value   string
	amount  int64
}

var models = map[string]porcupine.Model{
	"register":     {Init: func() interface{} { return "null" }, Step: stepRegister},
	"cas-register": {Init: func() interface{} { return "null" }, Step: stepRegister},
	"key-value":    {Init: func() interface{} { return "" }, Step: stepKeyValue, Partition: byKey},
	"bank":         {Init: func() interface{} { return accounts{100, 100, 100, 100, 100, 100, 100, 100, 100, 100} }, Step: stepBank},
}

func stepRegister(state, in, out interface{}) (bool, interface{}) {
	asked, told := in.(input), out.(output)
	switch asked.f {
	case "read":
		return told.unknown || told.value == state.(string), state
	case "write":
		return true, asked.value
	}
	if asked.expected == state.(string) {
		return !told.refused, asked.value
	}
	return told.refused || told.unknown, state
}

func stepKeyValue(state, in, out interface{}) (bool, interface{}) {
	asked, told := in.(input), out.(output)
	switch asked.f {
	case "get":
		return told.unknown || told.value == state.(string), state
	case "put":
		return true, asked.value
	}
	return true, state.(string) + asked.value
}

// byKey makes a history of each key's operations.
func byKey(history []porcupine.Operation) [][]porcupine.Operation {
	places := map[string]int{}
	var parts [][]porcupine.Operation
	for _, operation := range history {
		key := operation.Input.(input).key
		place, known := places[key]
		if !known {
			place = len(parts)
			places[key] = place
			parts = append(parts, nil)
		}
		parts[place] = append(parts[place], operation)
	}
	return parts
}

// accounts are ten balances, an array so that states compare by value.
type accounts [10]int64

func stepBank(state, in, out interface{}) (bool, interface{}) {
	balances, asked, told := state.(accounts), in.(input), out.(output)
	from := account(asked.key)
	if asked.f == "balance" {
		return told.unknown || told.amount == balances[from], balances
	}
	before := balances
	switch asked.f {
	case "deposit":
		balances[from] += asked.amount
	case "withdraw":
		balances[from] -= asked.amount
	case "transfer":
		balances[from] -= asked.amount
		balances[account(asked.to)] += asked.amount
	}
	if before[from] < asked.amount && asked.f != "deposit" {
		return told.refused || told.unknown, before
	}
	return !told.refused, balances
}

func account(name string) int {
	var number int
	if _, err := fmt.Sscan(name, &number); err != nil {
		panic(err)
	}
	return number
}
