//! What a page must not do, whatever it shows.

use super::{BYTES_MAX, of_history};
use crate::check::Judge;
use crate::check::linearizable::Budget;
use crate::history::{Recorded, read};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

fn judged(model: &str, lines: &str) -> (Vec<Recorded>, String) {
    let history = read(lines.as_bytes()).unwrap();
    let ruling = model.parse::<Judge>().unwrap().judge(&history, Budget::default()).unwrap();
    let html = of_history(format!("a history judged as {model}"), &history, &ruling).html();
    (history, html)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, after) = text.split_once(from).unwrap();
    after.split_once(to).unwrap().0
}

fn data(html: &str) -> serde_json::Value {
    serde_json::from_str(between(html, r#"id="data">"#, "</script>")).unwrap()
}

fn event(process: u64, time: u64, kind: &str, f: &str, value: &serde_json::Value) -> String {
    format!(r#"{{"process":{process},"time":{time},"type":"{kind}","f":"{f}","value":{value}}}"#) + "\n"
}

#[test]
fn what_a_history_holds_ends_no_script_and_the_policy_knows_script_and_style() {
    let hostile = serde_json::json!("</script><script>alert(1)</script><!-- {{script}} & \u{2028}");
    let lines = event(0, 1, "invoke", "write", &hostile) + &event(0, 2, "ok", "write", &hostile);
    let (_, html) = judged("register", &lines);
    assert_eq!(html.matches("<script").count(), 2, "the data and the script");
    assert_eq!(html.matches("</script>").count(), 2);
    assert!(data(&html)["bars"][0]["text"].as_str().unwrap().contains("</script><script>alert(1)"));
    let policy = between(&html, r#"http-equiv="Content-Security-Policy" content=""#, "\">");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for (open, close) in [("<script>", "</script>"), ("<style>", "</style>")] {
        let hash = BASE64_STANDARD.encode(Sha256::digest(between(&html, open, close)));
        assert!(policy.contains(&format!("'sha256-{hash}'")), "{open} is not what {policy} allows");
    }
    for foreign in ["http:", "https:", "src=", "href=", "@import", "url(", "innerHTML", "eval("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
}

#[test]
fn the_operation_that_does_not_fit_is_marked_and_the_order_of_a_valid_history_shown() {
    let write = |time, kind, value: u64| event(0, time, kind, "write", &value.into());
    let read = |time, kind, value: serde_json::Value| event(1, time, kind, "read", &value);
    let begin = write(10, "invoke", 1) + &write(20, "ok", 1) + &read(30, "invoke", ().into());
    let (_, html) = judged("register", &(begin.clone() + &read(40, "ok", 1.into())));
    let page = data(&html);
    assert_eq!((&page["verdict"], &page["unit"]), (&"valid".into(), &"ns".into()));
    assert_eq!(page["lanes"], serde_json::json!(["p0", "p1"]));
    assert_eq!((&page["bars"][0]["point"], &page["bars"][1]["point"]), (&10.into(), &30.into()));
    let (_, html) = judged("register", &(begin + &read(40, "ok", 2.into())));
    let page = data(&html);
    assert_eq!(page["verdict"], "violation");
    assert_eq!(
        (&page["bars"][1]["tone"], &page["bars"][1]["role"]),
        (&"wrong".into(), &"does not fit".into())
    );
    assert_eq!(page["bars"][0]["role"], "placed");
}

#[test]
fn a_cycle_of_transactions_has_an_arrow_for_each_step() {
    let line = |process: u64, kind: &str, value: &str| {
        event(process, 0, kind, "txn", &serde_json::from_str(value).unwrap()).replace(r#""time":0,"#, "")
    };
    let one = |kind, seen: &str| line(0, kind, &format!(r#"[["r","x",{seen}],["append","y",1]]"#));
    let two = |kind, seen: &str| line(1, kind, &format!(r#"[["r","y",{seen}],["append","x",2]]"#));
    let lines = one("invoke", "null") + &two("invoke", "null") + &one("ok", "[]") + &two("ok", "[]");
    let (_, html) = judged("list-append:serializable", &lines);
    let page = data(&html);
    assert_eq!((&page["unit"], &page["keys"]), (&"order".into(), &serde_json::json!(["x", "y"])));
    let texts: Vec<&str> =
        page["arrows"].as_array().unwrap().iter().map(|arrow| arrow["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["rw on x", "rw on y"]);
}

#[test]
fn ten_thousand_operations_stay_below_five_megabytes_and_more_are_thinned() {
    let page = |operations: u64| {
        let mut lines = String::new();
        for at in 0..operations {
            let long = serde_json::json!(format!("{at} {}", "ä".repeat(300)));
            lines += &event(at % 20, 10 * at, "invoke", "write", &long);
            lines += &event(at % 20, 10 * at + 5, "ok", "write", &long);
        }
        judged("register", &lines).1
    };
    let html = page(10_000);
    assert!(html.len() < BYTES_MAX, "{} bytes", html.len());
    assert_eq!(data(&html)["bars"].as_array().unwrap().len(), 10_000);
    let html = page(30_000);
    assert!(html.len() < BYTES_MAX, "{} bytes", html.len());
    let shown = data(&html)["bars"].as_array().unwrap().len();
    assert_eq!(
        data(&html)["notes"][0],
        format!("of 30000 operations, the {shown} nearest to what the verdict is about are shown")
    );
}
