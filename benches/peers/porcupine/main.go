// Judges histories with Porcupine and with splitbrain, in turns, each judgement in a process of its own.
//
//	go run . judge MODEL FILE            one history, by Porcupine: prints the verdict and how long it took
//	go run . compare SPLITBRAIN DIR      every history of a folder, by both: prints a table
//
// Needs Go 1.19 and the module github.com/anishathalye/porcupine (`go get` it first). A folder of histories comes from
// `HISTORIES=DIR cargo bench -p splitbrain-sim --bench judge`; a file is named MODEL@title.jsonl. What is timed is the
// judging alone, not the reading of the file. For Porcupine the values are decoded beforehand; splitbrain's time includes
// that. Both have one core.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	limit = 5 * time.Second
	// Address space of a process, in KiB: more than 12 GiB is taken as too much.
	addressSpace = 12 << 20
	rounds       = 5
)

func main() {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "judge":
		judge(os.Args[2], os.Args[3])
	case len(os.Args) == 4 && os.Args[1] == "compare":
		compare(os.Args[2], os.Args[3])
	default:
		fmt.Fprintln(os.Stderr, "usage: judge MODEL FILE | compare SPLITBRAIN DIR")
		os.Exit(2)
	}
}

// result is what both programs print, and the most memory that the process had.
type result struct {
	Verdict string  `json:"verdict"`
	WallMs  float64 `json:"wall_ms"`
	peakMiB float64
}

func judge(model, path string) {
	history := read(path)
	start := time.Now()
	verdict := porcupine.CheckOperationsTimeout(models[model], history, limit)
	wall := time.Since(start)
	names := map[porcupine.CheckResult]string{porcupine.Ok: "valid", porcupine.Illegal: "violation", porcupine.Unknown: "unknown"}
	fmt.Printf("{\"verdict\":%q,\"wall_ms\":%f}\n", names[verdict], wall.Seconds()*1e3)
}

func compare(splitbrain, folder string) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	check(err)
	self, err := os.Executable()
	check(err)
	fmt.Println("| history | splitbrain | peak | Porcupine | peak | splitbrain is |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, path := range paths {
		title := strings.TrimSuffix(filepath.Base(path), ".jsonl")
		model, name, _ := strings.Cut(title, "@")
		initial := map[string]string{"key-value": ":\"\"", "bank": ":100"}[model]
		var ours, theirs []result
		for round := 0; round < rounds; round++ {
			ours = append(ours, run(splitbrain, "check", "--json", "--time-limit", limit.String(), "--model", model+initial, path))
			theirs = append(theirs, run(self, "judge", model, path))
			if ours[0].WallMs > 1000 || theirs[0].WallMs > 1000 {
				break
			}
		}
		one, two := median(ours), median(theirs)
		ratio := fmt.Sprintf("%.1f ×", two.WallMs/one.WallMs)
		if two.Verdict != one.Verdict || one.Verdict == "unknown" {
			ratio = "–"
			if one.Verdict != "unknown" {
				ratio = fmt.Sprintf("> %.0f ×", math.Max(two.WallMs, 1)/one.WallMs)
			}
		}
		fmt.Printf("| %s, %s | %s | %s | %s |\n", model, name, one, two, ratio)
	}
}

func run(program string, arguments ...string) result {
	script := fmt.Sprintf("ulimit -v %d; exec \"$0\" \"$@\"", addressSpace)
	command := exec.Command("sh", append([]string{"-c", script, program}, arguments...)...)
	command.Env = append(os.Environ(), "GOMAXPROCS=1")
	// A verdict other than valid has an exit code of its own; out of memory there is no verdict.
	start := time.Now()
	printed, _ := command.Output()
	result := result{Verdict: "out of memory", WallMs: time.Since(start).Seconds() * 1e3}
	if lines := strings.Split(strings.TrimSpace(string(printed)), "\n"); lines[0] != "" {
		check(json.Unmarshal([]byte(lines[len(lines)-1]), &result))
	}
	result.peakMiB = float64(command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1024
	return result
}

func median(results []result) result {
	sort.Slice(results, func(one, two int) bool { return results[one].WallMs < results[two].WallMs })
	return results[len(results)/2]
}

func (r result) String() string {
	if r.Verdict == "unknown" {
		return fmt.Sprintf("unknown after %.0f s | %.0f MiB", r.WallMs/1e3, r.peakMiB)
	}
	if r.Verdict == "out of memory" {
		return fmt.Sprintf("%s | > %d GiB", r.Verdict, addressSpace>>20)
	}
	verdict := ""
	if r.Verdict == "violation" {
		verdict = ", violation"
	}
	return fmt.Sprintf("%.3g ms%s | %.0f MiB", r.WallMs, verdict, r.peakMiB)
}

// event is a line of a history.
type event struct {
	Process int             `json:"process"`
	Type    string          `json:"type"`
	F       string          `json:"f"`
	Value   json.RawMessage `json:"value"`
}

// read pairs invocations with completions. What has no answer returns after everything else, with any answer.
func read(path string) []porcupine.Operation {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	var history []porcupine.Operation
	var failed = map[int]bool{}
	open := map[int]int{}
	for at := int64(0); lines.Scan(); at++ {
		var line event
		check(json.Unmarshal(lines.Bytes(), &line))
		switch line.Type {
		case "invoke":
			open[line.Process] = len(history)
			history = append(history, porcupine.Operation{
				ClientId: line.Process, Input: asked(line), Call: at, Output: output{unknown: true}, Return: math.MaxInt64,
			})
		case "ok":
			operation := &history[open[line.Process]]
			operation.Output, operation.Return = told(line), at
		case "fail":
			failed[open[line.Process]] = true
		}
	}
	check(lines.Err())
	var happened []porcupine.Operation
	for index, operation := range history {
		if !failed[index] {
			happened = append(happened, operation)
		}
	}
	return happened
}

func asked(line event) input {
	var parts []json.RawMessage
	if json.Unmarshal(line.Value, &parts) != nil || len(parts) < 2 {
		return input{f: line.F, key: text(line.Value), value: text(line.Value)}
	}
	asked := input{f: line.F, key: text(parts[0]), value: text(parts[1])}
	switch line.F {
	case "cas":
		asked.expected = text(parts[0])
	case "deposit", "withdraw":
		asked.amount = number(parts[1])
	case "transfer":
		asked.to, asked.amount = text(parts[1]), number(parts[2])
	}
	return asked
}

func told(line event) output {
	told := output{value: text(line.Value), refused: string(line.Value) == "false"}
	if line.F == "balance" {
		told.amount = number(line.Value)
	}
	return told
}

// text is a string without its quotes, and any other value as it is written.
func text(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && string(value) != "null" {
		return text
	}
	return string(value)
}

func number(value json.RawMessage) int64 {
	var number int64
	check(json.Unmarshal(value, &number))
	return number
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
