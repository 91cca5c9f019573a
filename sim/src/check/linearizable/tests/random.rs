//! Ten thousand random histories of up to eight operations a model, judged by the search and by brute force.

use super::super::model::{Model, Operation};
use super::super::models::key_value::Content;
use super::super::models::{
    Bank, CasRegister, Counter, Datum, KeyValue, Lock, MultiRegister, Mutex, Queue, Readable, Register,
    Registry, Set, UnorderedQueue,
};
use super::super::{Budget, Finding, check};
use super::brute;
use crate::history::{End, Moment, Process, Recorded};
use crate::{Draw, Stream};
use serde_json::{Value, json};

const CASES: u64 = 10_000;
const OPERATIONS: u64 = 8;
const PROCESSES: u64 = 4;

type RandomOp<M> = Box<dyn Fn(&mut Draw, u64) -> <M as Model>::Op>;
type Answers<M> = Box<dyn Fn(&<M as Model>::Op) -> Vec<<M as Model>::Ret>>;

/// What histories of a model are made of.
struct Vocabulary<M: Model> {
    /// A random operation of a process.
    op: RandomOp<M>,
    /// Every answer that an operation may get.
    rets: Answers<M>,
}

/// A history of one object: every operation takes effect between its ends, but some answers are changed.
fn random<M: Model>(model: &M, words: &Vocabulary<M>, draw: &mut Draw) -> Vec<Operation<M::Op, M::Ret>>
where
    M::Ret: Clone,
{
    let mut states = std::collections::HashMap::new();
    let mut operations: Vec<Operation<M::Op, M::Ret>> = Vec::new();
    // What each process has under way: the operation, and its answer once it took effect.
    let mut open: Vec<Option<(usize, Option<M::Ret>)>> = (0..PROCESSES).map(|_| None).collect();
    let (count, wrong, unknown) =
        (draw.between(1, OPERATIONS) as usize, draw.unit() * 0.3, draw.unit() * 0.4);
    let mut now = 0;
    while operations.len() < count || open.iter().any(Option::is_some) {
        now += 1;
        let process = draw.below(PROCESSES) as usize;
        match open[process].take() {
            None if operations.len() == count => {}
            None => {
                open[process] = Some((operations.len(), None));
                operations.push(Operation { op: (words.op)(draw, process as u64), end: None, call: now });
            }
            Some((index, None)) if draw.chance(0.9) => {
                let op = &operations[index].op;
                let state = states.entry(model.key(op)).or_insert_with(|| model.initial());
                let mut next = Vec::new();
                let rets = (words.rets)(op);
                let mut possible = rets.iter().filter(|ret| {
                    next.clear();
                    model.step(state, op, Some(ret), &mut next);
                    !next.is_empty()
                });
                let told = possible.next().cloned().unwrap_or_else(|| rets[0].clone());
                let end = next.len() as u64;
                if end > 0 {
                    *state = next.swap_remove(draw.below(end) as usize);
                }
                let told = if draw.chance(wrong) { draw.pick(&rets).clone() } else { told };
                open[process] = Some((index, Some(told)));
            }
            Some((index, Some(told))) if !draw.chance(unknown) => operations[index].end = Some((told, now)),
            // It took effect or not; the process goes on as another.
            Some(_) => {}
        }
    }
    operations
}

fn agree<M: Model>(name: &str, model: &M, words: &Vocabulary<M>)
where
    M::Ret: Clone,
{
    let mut violations = 0;
    for case in 0..CASES {
        let mut draw = Draw::new(case, Stream::Other { purpose: "random histories", entity: name });
        let operations = random(model, words, &mut draw);
        let judgement = check(model, &operations, Budget::default());
        let answered = operations.iter().filter(|operation| operation.end.is_some()).count();
        let prefix = brute::longest_prefix(model, &operations);
        let expected = prefix == answered;
        assert_eq!(
            judgement.finding == Finding::Linearizable,
            expected,
            "case {case}: {operations:#?}\n{judgement:?}"
        );
        assert_eq!(judgement.longest_prefix, prefix, "case {case}: {operations:#?}\n{judgement:?}");
        violations += u64::from(!expected);
    }
    let share = violations * 100 / CASES;
    assert!((2..98).contains(&share), "{share} % violations of {name} say little");
}

/// A vocabulary from recorded functions, with their values and all their answers.
fn recorded<M: Readable + Clone + 'static>(
    model: &M,
    functions: &[(&'static str, &[Value])],
    answers: &'static [Value],
) -> Vocabulary<M> {
    let moment = Moment { line: 1, time_ns: None, order: 0 };
    let call = move |f: &str, value: &Value, process: u64| Recorded {
        process: Process::Number(process),
        f: f.into(),
        invoked: value.clone(),
        end: End::Ok(Value::Null),
        call: moment,
        done: None,
    };
    let calls: Vec<(String, Value)> = functions
        .iter()
        .flat_map(|(f, values)| values.iter().map(|value| ((*f).to_owned(), value.clone())))
        .collect();
    let op = |model: &M, f: &str, value: &Value, process| {
        model.op(&call(f, value, process)).expect("a known function")
    };
    // A model may learn names from the operations it reads: all of them now.
    for (f, value) in &calls {
        op(model, f, value, 0);
    }
    let (for_ops, for_rets) = (model.clone(), model.clone());
    Vocabulary {
        op: Box::new(move |draw, process| {
            let (f, value) = draw.pick(&calls);
            for_ops.op(&call(f, value, process)).expect("a known function")
        }),
        rets: Box::new(move |op| {
            let recorded = call("", &Value::Null, 0);
            let rets = answers.iter().filter_map(|answer| for_rets.ret(op, answer, &recorded).ok());
            let mut distinct: Vec<M::Ret> = Vec::new();
            for ret in rets {
                if !distinct.contains(&ret) {
                    distinct.push(ret);
                }
            }
            distinct
        }),
    }
}

fn leak(values: Value) -> &'static [Value] {
    let Value::Array(values) = values else { panic!("{values} is not an array") };
    values.leak()
}

#[test]
fn register_histories_are_judged_as_by_brute_force() {
    let model = Register { initial: Datum::NULL };
    let functions = [("read", leak(json!([null]))), ("write", leak(json!([1, 2, 3])))];
    agree("register", &model, &recorded(&model, &functions, leak(json!([null, 1, 2, 3]))));
}

#[test]
fn cas_register_histories_are_judged_as_by_brute_force() {
    let model = CasRegister { initial: Datum::from(&json!(0)) };
    let cas = json!([[0, 1], [1, 2], [2, 0], [1, 0]]);
    let functions = [("read", leak(json!([null]))), ("write", leak(json!([0, 1, 2]))), ("cas", leak(cas))];
    agree("cas-register", &model, &recorded(&model, &functions, leak(json!([0, 1, 2, false, true]))));
}

#[test]
fn key_value_histories_are_judged_as_by_brute_force() {
    let model = KeyValue { initial: Content::MISSING };
    let functions = [
        ("get", leak(json!(["a", "b", "a"]))),
        ("put", leak(json!([["a", "x"], ["b", "y"], ["a", ""]]))),
        ("append", leak(json!([["a", "x"], ["a", "y"], ["a", "xy"], ["b", "x"], ["a", 1], ["a", [1, 2]]]))),
        ("cas", leak(json!([["a", [null, "x"]], ["a", ["x", "y"]], ["b", ["y", ""]]]))),
        ("delete", leak(json!(["a"]))),
    ];
    let answers =
        json!([null, "", "x", "y", "xx", "xy", "yx", "xxy", "xyx", "yy", [1], [1, 1], [[1, 2]], true, false]);
    agree("key-value", &model, &recorded(&model, &functions, leak(answers)));
}

#[test]
fn set_histories_are_judged_as_by_brute_force() {
    let functions = [
        ("add", leak(json!([1, 2]))),
        ("remove", leak(json!([1, 2]))),
        ("contains", leak(json!([1, 2]))),
        ("read", leak(json!([null]))),
    ];
    agree("set", &Set, &recorded(&Set, &functions, leak(json!([true, false, null, [], [1], [2], [1, 2]]))));
}

#[test]
fn queue_histories_are_judged_as_by_brute_force() {
    let functions =
        [("enqueue", leak(json!([1, 2, 3, 1, 2]))), ("dequeue", leak(json!([null, null, null, null])))];
    agree("queue", &Queue, &recorded(&Queue, &functions, leak(json!([null, 1, 2, 3]))));
}

#[test]
fn unordered_queue_histories_are_judged_as_by_brute_force() {
    let functions =
        [("enqueue", leak(json!([1, 2, 1, 2]))), ("dequeue", leak(json!([null, null, null, null])))];
    let answers = leak(json!([null, 1, 2]));
    agree("unordered-queue", &UnorderedQueue, &recorded(&UnorderedQueue, &functions, answers));
}

#[test]
fn counter_histories_are_judged_as_by_brute_force() {
    let model = Counter { initial: 1 };
    let functions = [
        ("add", leak(json!([1, 2, -1]))),
        ("decrement", leak(json!([1]))),
        ("read", leak(json!([null, null]))),
    ];
    agree("counter", &model, &recorded(&model, &functions, leak(json!([-1, 0, 1, 2, 3, 4, 5]))));
}

#[test]
fn multi_register_histories_are_judged_as_by_brute_force() {
    let model = MultiRegister { initial: Datum::NULL };
    let functions = [(
        "txn",
        leak(json!([
            [["w", "x", 1]],
            [["w", "x", 2], ["w", "y", 2]],
            [["r", "x", null]],
            [["r", "x", null], ["w", "y", 1]],
            [["r", "x", null], ["r", "y", null]]
        ])),
    )];
    let answers = json!([
        [["w", "x", 1]],
        [["r", "x", null]],
        [["r", "x", 1]],
        [["r", "x", 2]],
        [["r", "x", 1], ["r", "y", 1]],
        [["r", "x", 2], ["r", "y", 2]],
        [["r", "x", 2], ["r", "y", 1]],
        [["r", "x", null], ["r", "y", null]]
    ]);
    agree("multi-register", &model, &recorded(&model, &functions, leak(answers)));
}

#[test]
fn mutex_histories_are_judged_as_by_brute_force() {
    let functions = [("acquire", leak(json!(["a", "a", "b"]))), ("release", leak(json!(["a", "a", "b"])))];
    agree("mutex", &Mutex, &recorded(&Mutex, &functions, leak(json!([true, false]))));
}

#[test]
fn lock_histories_are_judged_as_by_brute_force() {
    let functions = [("acquire", leak(json!(["a", "a", "b"]))), ("release", leak(json!(["a", "a", "b"])))];
    let lock = Lock::default();
    agree("lock", &lock, &recorded(&lock, &functions, leak(json!([true, false]))));
}

#[test]
fn registry_histories_are_judged_as_by_brute_force() {
    let functions = [
        ("register", leak(json!([["a", "p1"], ["a", "p2"], ["b", "p1"]]))),
        ("unregister", leak(json!(["a", "b"]))),
        ("lookup", leak(json!(["a", "a", "b"]))),
    ];
    agree(
        "registry",
        &Registry,
        &recorded(&Registry, &functions, leak(json!([null, "p1", "p2", true, false]))),
    );
}

#[test]
fn bank_histories_are_judged_as_by_brute_force() {
    let model = Bank::new(2);
    let functions = [
        ("deposit", leak(json!([["a", 1], ["b", 2]]))),
        ("withdraw", leak(json!([["a", 1], ["a", 2], ["b", 2]]))),
        ("transfer", leak(json!([["a", "b", 1], ["b", "a", 2], ["b", "c", 3], ["c", "a", 2]]))),
        ("balance", leak(json!(["a", "b", "c"]))),
        ("read", leak(json!([null]))),
        ("open", leak(json!(["a"]))),
        ("close", leak(json!(["a"]))),
    ];
    let answers = json!([
        0, 1, 2, 3, 4, 5, true, false,
        {"a": 2, "b": 2, "c": 2}, {"a": 1, "b": 3, "c": 2}, {"a": 3, "b": 2, "c": 2}, {"a": 2}, {"a": 1}, {"b": 0}
    ]);
    agree("bank", &model, &recorded(&model, &functions, leak(answers)));
}

/// A register that may lose a write: its state after one is the new value, or the old.
#[derive(Clone)]
struct Forgetful(Register);

impl Model for Forgetful {
    type Op = <Register as Model>::Op;
    type Ret = Datum;
    type State = Datum;

    fn initial(&self) -> Datum {
        self.0.initial()
    }

    fn step(&self, state: &Datum, op: &Self::Op, ret: Option<&Datum>, next: &mut Vec<Datum>) {
        self.0.step(state, op, ret, next);
        if !self.0.observes(op, ret) && next[..] != [*state] {
            next.push(*state);
        }
    }
}

impl Readable for Forgetful {
    fn op(&self, recorded: &Recorded) -> Result<Self::Op, String> {
        self.0.op(recorded)
    }

    fn ret(&self, op: &Self::Op, value: &Value, recorded: &Recorded) -> Result<Datum, String> {
        self.0.ret(op, value, recorded)
    }
}

#[test]
fn histories_of_a_non_deterministic_model_are_judged_as_by_brute_force() {
    let model = Forgetful(Register { initial: Datum::NULL });
    let functions = [("read", leak(json!([null]))), ("write", leak(json!([1, 2])))];
    agree("forgetful", &model, &recorded(&model, &functions, leak(json!([null, 1, 2]))));
}
