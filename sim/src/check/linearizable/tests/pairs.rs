//! A history that is accepted, and one that differs from it in a single answer and is not.

use super::{accept, evidence};

#[test]
fn a_register_is_read_as_it_was_written() {
    let good = "
        0 invoke write 1
        1 invoke read
        0 ok write 1
        1 ok read 1
        2 invoke read
        2 ok read 1";
    accept("register", good);
    insta::assert_snapshot!(evidence("register", &good.replace("2 ok read 1", "2 ok read null")), @r"
    `p2 read → null` (40 ns to 50 ns) cannot be placed after `p1 read → 1`
    window   40 ns to 50 ns
    stuck    p2 read → null
    prefix   2 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–3         placed                 p0 write 1
      line 2–4         placed                 p1 read → 1
      line 5–6         cannot be placed       p2 read → null
    ");
}

#[test]
fn a_register_may_begin_with_a_value() {
    accept("register:7", "0 invoke read\n0 ok read 7");
    insta::assert_snapshot!(evidence("register", "0 invoke read\n0 ok read 7"), @r"
    `p0 read → 7` (0 ns to 10 ns) cannot be placed
    window   0 ns to 10 ns
    stuck    p0 read → 7
    prefix   0 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–2         cannot be placed       p0 read → 7
    ");
}

#[test]
fn a_write_without_an_answer_may_take_effect_later_or_never() {
    let late = "
        0 invoke write 1
        0 info write 1
        1 invoke read
        1 ok read null
        2 invoke read
        2 ok read 1";
    accept("register", late);
    accept("register", &late.replace("2 ok read 1", "2 ok read null"));
    insta::assert_snapshot!(evidence("register", &format!("{late}\n3 invoke read\n3 ok read null")), @r"
    `p3 read → null` (60 ns to 70 ns) cannot be placed after `p2 read → 1`
    window   60 ns to 70 ns
    stuck    p3 read → null
    prefix   2 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 3–4         placed                 p1 read → null
      line 1–2         placed                 p0 write 1 → unknown
      line 5–6         placed                 p2 read → 1
      line 7–8         cannot be placed       p3 read → null
    ");
}

#[test]
fn operations_of_one_instant_are_concurrent() {
    let line = |time: u64, process: u64, kind: &str, f: &str, value: &str| {
        format!(r#"{{"time":{time},"process":{process},"type":"{kind}","f":"{f}","value":{value}}}"#) + "\n"
    };
    let until = |read: u64| {
        line(0, 0, "invoke", "write", "1")
            + &line(10, 0, "ok", "write", "1")
            + &line(read, 1, "invoke", "read", "null")
            + &line(20, 1, "ok", "read", "null")
    };
    let verdict = |text: &str| {
        let history = crate::history::read(text.as_bytes()).expect("a history");
        let judge: crate::check::Judge = "register".parse().expect("a model");
        judge.judge(&history, super::Budget::default()).expect("reads and writes").verdict
    };
    assert_eq!(verdict(&until(10)), crate::verdict::Verdict::Valid);
    assert_eq!(verdict(&until(11)), crate::verdict::Verdict::Violation);
}

#[test]
fn a_compare_and_set_finds_what_it_expects() {
    let good = "
        0 invoke write 1
        0 ok write 1
        1 invoke cas [1,2]
        2 invoke cas [1,3]
        1 ok cas true
        2 ok cas false
        0 invoke read
        0 ok read 2";
    accept("cas-register", good);
    insta::assert_snapshot!(evidence("cas-register", &good.replace("2 ok cas false", "2 ok cas true")), @r"
    `p2 cas [1,3] → true` (30 ns to 50 ns) cannot be placed after `p1 cas [1,2] → true`
    window   30 ns to 50 ns
    stuck    p2 cas [1,3] → true
    prefix   2 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–2         placed                 p0 write 1
      line 3–5         placed                 p1 cas [1,2] → true
      line 4–6         cannot be placed       p2 cas [1,3] → true
    ");
}

#[test]
fn each_key_has_a_value_of_its_own() {
    let good = r#"
        0 invoke put ["x","a"]
        1 invoke put ["y","b"]
        0 ok put ["x","a"]
        1 ok put ["y","b"]
        0 invoke append ["x","c"]
        1 invoke cas ["y",["b","d"]]
        1 ok cas true
        0 ok append ["x","c"]
        2 invoke get "x"
        2 ok get "ac"
        3 invoke get ["y",null]
        3 ok get ["y","d"]
        2 invoke delete "x"
        2 ok delete "x"
        2 invoke get "x"
        2 ok get null"#;
    accept("key-value", good);
    insta::assert_snapshot!(evidence("key-value", &good.replace(r#"2 ok get "ac""#, r#"2 ok get "ca""#)), @r#"
    key x: `p2 get "x" → "ca"` (80 ns to 90 ns) cannot be placed after `p0 append ["x","c"]`
    key      x
    window   80 ns to 90 ns
    stuck    p2 get "x" → "ca"
    prefix   4 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–3         placed                 p0 put ["x","a"]
      line 5–8         placed                 p0 append ["x","c"]
      line 9–10        cannot be placed       p2 get "x" → "ca"
    "#);
}

#[test]
fn a_set_has_what_was_added_and_not_removed() {
    let good = "
        0 invoke add 1
        1 invoke add 2
        0 ok add 1
        1 ok add 2
        0 invoke remove 1
        0 ok remove true
        1 invoke contains 1
        1 ok contains false
        2 invoke read
        2 ok read [2]";
    accept("set", good);
    insta::assert_snapshot!(evidence("set", &good.replace("2 ok read [2]", "2 ok read [1,2]")), @r"
    `p2 read → [1,2]` (80 ns to 90 ns) cannot be placed after `p1 contains 1 → false`
    window   80 ns to 90 ns
    stuck    p2 read → [1,2]
    prefix   4 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–3         placed                 p0 add 1
      line 2–4         placed                 p1 add 2
      line 5–6         placed                 p0 remove 1 → true
      line 7–8         placed                 p1 contains 1 → false
      line 9–10        cannot be placed       p2 read → [1,2]
    ");
}

#[test]
fn a_queue_gives_in_the_order_in_which_it_took() {
    let good = "
        0 invoke enqueue 1
        0 ok enqueue 1
        1 invoke enqueue 2
        1 ok enqueue 2
        0 invoke dequeue
        0 ok dequeue 1
        1 invoke dequeue
        1 ok dequeue 2
        0 invoke dequeue
        0 ok dequeue null";
    accept("queue", good);
    insta::assert_snapshot!(evidence("queue", &good.replace("0 ok dequeue 1", "0 ok dequeue 2")), @r"
    `p0 dequeue → 2` (40 ns to 50 ns) cannot be placed after `p1 enqueue 2`
    window   40 ns to 50 ns
    stuck    p0 dequeue → 2
    prefix   2 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–2         placed                 p0 enqueue 1
      line 3–4         placed                 p1 enqueue 2
      line 5–6         cannot be placed       p0 dequeue → 2
    ");
}

#[test]
fn a_lock_has_one_holder() {
    let good = r#"
        0 invoke acquire "l"
        1 invoke acquire "l"
        0 ok acquire "l"
        0 invoke release "l"
        1 ok acquire "l"
        0 ok release "l"
        2 invoke acquire "l"
        2 ok acquire false"#;
    accept("lock", good);
    insta::assert_snapshot!(evidence("lock", &good.replace("2 ok acquire false", "2 ok acquire true")), @r#"
    key l: `p2 acquire "l" → true` (60 ns to 70 ns) cannot be placed after `p1 acquire "l"`
    key      l
    window   60 ns to 70 ns
    stuck    p2 acquire "l" → true
    prefix   3 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–3         placed                 p0 acquire "l"
      line 4–6         placed                 p0 release "l"
      line 2–5         placed                 p1 acquire "l"
      line 7–8         cannot be placed       p2 acquire "l" → true
    "#);
}

#[test]
fn a_bank_moves_money_and_never_more_than_there_is() {
    let good = r#"
        0 invoke deposit ["a",10]
        0 ok deposit true
        1 invoke transfer ["a","b",7]
        2 invoke withdraw ["a",7]
        1 ok transfer true
        2 ok withdraw false
        3 invoke read
        3 ok read {"a":3,"b":7}
        3 invoke close "b"
        3 ok close true
        0 invoke deposit ["b",1]
        0 ok deposit false
        1 invoke balance "b"
        1 ok balance 7"#;
    accept("bank", good);
    insta::assert_snapshot!(evidence("bank", &good.replace("2 ok withdraw false", "2 ok withdraw true")), @r#"
    `p2 withdraw ["a",7] → true` (30 ns to 50 ns) cannot be placed after `p1 transfer ["a","b",7] → true`
    window   30 ns to 50 ns
    stuck    p2 withdraw ["a",7] → true
    prefix   2 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–2         placed                 p0 deposit ["a",10] → true
      line 3–5         placed                 p1 transfer ["a","b",7] → true
      line 4–6         cannot be placed       p2 withdraw ["a",7] → true
    "#);
    insta::assert_snapshot!(evidence("bank", &good.replace(r#"{"a":3,"b":7}"#, r#"{"a":3,"b":0}"#)), @r#"
    `p3 read → {"a":3,"b":0}` (60 ns to 70 ns) cannot be placed after `p2 withdraw ["a",7] → false`
    window   60 ns to 70 ns
    stuck    p3 read → {"a":3,"b":0}
    prefix   3 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–2         placed                 p0 deposit ["a",10] → true
      line 3–5         placed                 p1 transfer ["a","b",7] → true
      line 4–6         placed                 p2 withdraw ["a",7] → false
      line 7–8         cannot be placed       p3 read → {"a":3,"b":0}
    "#);
}

#[test]
fn a_name_is_one_process_until_it_is_unregistered() {
    let good = r#"
        0 invoke register ["n","p1"]
        1 invoke register ["n","p2"]
        0 ok register true
        1 ok register false
        2 invoke lookup "n"
        2 ok lookup "p1"
        0 invoke unregister "n"
        0 ok unregister true
        1 invoke register ["n","p2"]
        1 ok register true
        2 invoke lookup "n"
        2 ok lookup "p2""#;
    accept("registry", good);
    insta::assert_snapshot!(evidence("registry", &good.replace(r#"2 ok lookup "p2""#, r#"2 ok lookup "p1""#)), @r#"
    key n: `p2 lookup "n" → "p1"` (100 ns to 110 ns) cannot be placed after `p1 register ["n","p2"] → true`
    key      n
    window   100 ns to 110 ns
    stuck    p2 lookup "n" → "p1"
    prefix   5 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 1–3         placed                 p0 register ["n","p1"] → true
      line 2–4         placed                 p1 register ["n","p2"] → false
      line 5–6         placed                 p2 lookup "n" → "p1"
      line 7–8         placed                 p0 unregister "n" → true
      line 9–10        placed                 p1 register ["n","p2"] → true
      line 11–12       cannot be placed       p2 lookup "n" → "p1"
    "#);
}

#[test]
fn what_failed_did_not_happen() {
    let good = "
        0 invoke write 1
        0 fail write 1
        1 invoke read
        1 ok read null";
    accept("register", good);
    insta::assert_snapshot!(evidence("register", &good.replace("ok read null", "ok read 1")), @r"
    `p1 read → 1` (20 ns to 30 ns) cannot be placed: `p0 write 1 → failed`, and nobody else wrote it
    window   20 ns to 30 ns
    stuck    p1 read → 1
    prefix   0 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 3–4         cannot be placed       p1 read → 1
      line 1–2         did not happen         p0 write 1 → failed
    ");
}

#[test]
fn the_first_answer_that_no_order_explains_is_told_among_all_keys() {
    let history = r#"
        0 invoke put ["x",1]
        0 ok put ["x",1]
        1 invoke put ["y",1]
        1 ok put ["y",1]
        1 invoke get "y"
        1 ok get 2
        0 invoke get "x"
        0 ok get 2"#;
    insta::assert_snapshot!(evidence("key-value", history), @r#"
    key y: `p1 get "y" → 2` (40 ns to 50 ns) cannot be placed after `p1 put ["y",1]`
    key      y
    window   40 ns to 50 ns
    stuck    p1 get "y" → 2
    prefix   2 operations answered before it have an order that explains them
    around it, the last operations of that order first:
      line 3–4         placed                 p1 put ["y",1]
      line 5–6         cannot be placed       p1 get "y" → 2
    "#);
}
