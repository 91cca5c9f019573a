//! What the pages do in a browser: every control does what it says, and what a history holds is text.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use serde_json::{Value, json};
use splitbrain_browser::{Browser, made, visit};
use std::path::{Path, PathBuf};
use tempfile::tempdir;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, Key};

/// Two keys, an operation that does not fit, and more rows than the table shows at once.
fn stale_read(folder: &Path) -> PathBuf {
    let mut events = Vec::new();
    for at in 0..300 {
        let value = json!([if at % 2 == 0 { "x" } else { "y" }, at]);
        events.extend(made::operation(at % 3, "write", [100 * at, 100 * at + 50], [value.clone(), value]));
    }
    let read = [json!(["x", null]), json!(["x", 7])];
    events.extend(made::operation("reader", "read", [40_000, 40_010], read));
    made::of_history(folder, "register", &events)
}

/// Two transactions of which neither saw the other's append.
fn cycle(folder: &Path) -> PathBuf {
    let transaction = |process: u64, time, seen: &str, to: &str| {
        let asked = json!([["r", seen, null], ["append", to, process]]);
        made::operation(process, "txn", time, [asked, json!([["r", seen, []], ["append", to, process]])])
    };
    let mut events = [transaction(0, [1, 5], "x", "y"), transaction(1, [2, 6], "y", "x")].concat();
    events.sort_by_key(|event| event["time"].as_u64());
    for event in &mut events {
        event.as_object_mut().unwrap().remove("time");
    }
    made::of_history(folder, "list-append", &events)
}

/// Keeps something, where somebody wants to look at it.
fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("SPLITBRAIN_SHOTS") {
        std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
    }
}

async fn photograph(browser: &Browser, name: &str) -> WebDriverResult<()> {
    keep(&format!("{name}.png"), &browser.driver.screenshot_as_png().await?);
    Ok(())
}

/// How many colours the chart has.
const COLOURS: &str = "const chart = document.getElementById('chart');
    const copy = new OffscreenCanvas(chart.width, chart.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(chart, 0, 0);
    return new Set(new Uint32Array(copy.getImageData(0, 0, chart.width, chart.height).data.buffer)).size";
/// Whether the chart has a pixel for each of the screen's.
const SHARP: &str = "const chart = document.getElementById('chart');
    return chart.width === Math.trunc(chart.clientWidth * window.devicePixelRatio)";
const GROUND: &str = "return getComputedStyle(document.body).backgroundColor";

#[test]
fn a_run_and_a_history_are_drawn_in_light_in_the_dark_and_on_paper() {
    let folder = tempdir().unwrap();
    let run = made::of_run(&folder.path().join("run"), "zoo/lease-outlived", 0);
    for (name, page) in [("cycle", cycle(folder.path())), ("run", run)] {
        visit(&page, async |browser| {
            for (medium, light) in [("", "light"), ("", "dark"), ("print", "dark")] {
                browser.emulate(medium, light).await?;
                let is_dark = medium.is_empty() && light == "dark";
                let ground = if is_dark { "rgb(13, 17, 23)" } else { "rgb(255, 255, 255)" };
                assert_eq!(browser.run(GROUND).await?, ground, "{name} {medium} {light}");
                assert_eq!(browser.run(SHARP).await?, true, "{name} {medium} {light}");
                assert!(browser.run(COLOURS).await?.as_u64().unwrap() > 20, "{name} {medium} {light}");
                for part in ["title", "verdict", "chart", "text", "table"] {
                    let is_shown = browser.driver.find(By::Id(part)).await?.is_displayed().await?;
                    assert!(is_shown, "{name} {medium} {light}: {part}");
                }
                photograph(browser, &format!("{name}-{medium}{light}")).await?;
            }
            Ok(())
        });
    }
}

#[test]
fn what_a_history_holds_is_text_and_nothing_of_it_runs() {
    let hostile = [
        "</script><script>window.ran = 1</script>",
        "<img src=x onerror=window.ran=1>",
        "\"'`<b>&amp;{{script}}",
        "\u{1b}[31mred\u{1b}]0;title\u{7}",
        "\u{202e}gnp.exe\u{2066}\u{200b}",
        &"long".repeat(2_000),
    ];
    let folder = tempdir().unwrap();
    let mut events = Vec::new();
    for (at, text) in (0..).zip(hostile) {
        let value = json!([text, text]);
        events.extend(made::operation(text, "write", [10 * at, 10 * at + 5], [value.clone(), value]));
    }
    let read = [json!([hostile[0], null]), json!([hostile[0], "<script>window.ran = 2</script>"])];
    events.extend(made::operation("reader", "read", [1_000, 1_010], read));
    visit(&made::of_history(folder.path(), "register", &events), async |browser| {
        for row in 1..=events.len() / 2 {
            browser.click(&format!("#table tr:nth-child({row})")).await?;
        }
        let text = browser.run("return document.body.innerText").await?;
        let text = text.as_str().unwrap();
        for shown in [hostile[0], hostile[1], "<b>&amp;{{script}}", "\\u{1b}[31mred", "\\u{202e}gnp.exe"] {
            assert!(text.contains(shown), "{shown}");
        }
        assert!(!text.contains(|c| "\u{1b}\u{7}\u{202e}\u{2066}\u{200b}".contains(c)), "spelt out");
        assert_eq!(browser.run("return window.ran ?? null").await?, Value::Null);
        assert_eq!(browser.run("return document.querySelectorAll('img, b, script').length").await?, 2);
        let wide = "const all = document.documentElement; return all.scrollWidth > all.clientWidth";
        assert_eq!(browser.run(wide).await?, false, "nothing is wider than the window");
        photograph(browser, "hostile").await
    });
}

#[test]
fn buttons_keys_and_the_mouse_move_the_view() {
    let folder = tempdir().unwrap();
    visit(&stale_read(folder.path()), async |browser| {
        let size = |(from, to): (f64, f64)| to - from;
        let at_first = browser.view().await?;
        browser.click("#fit").await?;
        let whole = browser.view().await?;
        assert!(whole.0 <= 0.0 && whole.1 >= 40_010.0, "{whole:?}");
        browser.click("#in").await?;
        let near = browser.view().await?;
        assert!(size(near) < size(whole) * 0.75, "{near:?}");
        browser.click("#out").await?;
        assert!(size(browser.view().await?) > size(near) * 1.3);
        browser.press("+").await?;
        assert!(size(browser.view().await?) < size(whole) * 0.75);
        browser.press("-").await?;
        assert!(size(browser.view().await?) > size(near) * 1.3);
        browser.press("+0").await?;
        assert_eq!(browser.view().await?, whole, "0 shows all");
        browser.press("e").await?;
        assert_eq!(browser.view().await?, at_first, "e goes to the evidence");
        browser.press("0").await?;
        browser.click("#evidence").await?;
        assert_eq!(browser.view().await?, at_first, "so does the button");

        browser.press("0++").await?;
        let near = browser.view().await?;
        let corner =
            "const { x, y } = document.getElementById('chart').getBoundingClientRect(); return [x, y]";
        let corner: (f64, f64) = serde_json::from_value(browser.run(corner).await?)?;
        let (x, y) = (corner.0 + 600.0, corner.1 + 40.0);
        browser.mouse(json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -400 })).await?;
        let nearer = browser.view().await?;
        assert!(size(nearer) < size(near) * 0.5, "the wheel zooms: {nearer:?}");
        for (kind, by) in [("mousePressed", 0.0), ("mouseMoved", 100.0), ("mouseReleased", 100.0)] {
            let held = u8::from(kind != "mouseReleased");
            let place = json!({ "type": kind, "x": x + by, "y": y, "button": "left", "buttons": held });
            browser.mouse(place).await?;
        }
        let moved = browser.view().await?;
        assert!(moved.0 < nearer.0 && (size(moved) - size(nearer)).abs() < 1.0, "a drag moves: {moved:?}");
        browser.run("document.getElementById('chart').focus()").await?;
        browser.press_key(Key::Right).await?;
        assert!(browser.view().await?.0 > moved.0, "an arrow key moves on");
        browser.press_key(Key::Left).await?;
        assert!((browser.view().await?.0 - moved.0).abs() < 1.0, "and back");

        let before = browser.run(GROUND).await?;
        browser.click("#theme").await?;
        assert_ne!(browser.run(GROUND).await?, before);
        browser.click("#theme").await?;
        assert_eq!(browser.run(GROUND).await?, before);
        Ok(())
    });
}

#[test]
fn search_key_and_layer_narrow_chart_and_table_alike() {
    let folder = tempdir().unwrap();
    visit(&stale_read(folder.path()), async |browser| {
        let shown = async || browser.texts("#count").await.map(|texts| texts.concat());
        let rows = async || browser.texts("#rows").await.map(|texts| texts.concat());
        assert_eq!(shown().await?, "301 shown");
        assert_eq!((browser.texts("#table tr").await?.len(), &*rows().await?), (200, "1 to 200 of 301"));
        browser.click("#later").await?;
        assert_eq!((browser.texts("#table tr").await?.len(), &*rows().await?), (101, "201 to 301 of 301"));
        browser.click("#earlier").await?;
        assert_eq!(rows().await?, "1 to 200 of 301");

        browser.press("/").await?;
        browser.press("reader").await?;
        assert_eq!(shown().await?, "1 of 301 shown");
        assert_eq!(browser.texts("#table td:nth-child(3)").await?, ["reader"]);
        let view = browser.view().await?;
        browser.press("e0+").await?;
        assert_eq!(browser.view().await?, view, "in the search, keys are letters");
        assert_eq!(shown().await?, "0 of 301 shown");
        browser.driver.find(By::Id("search")).await?.clear().await?;

        browser.click("#key option[value=y]").await?;
        assert_eq!(shown().await?, "150 of 301 shown");
        assert!(browser.texts("#table td:nth-child(6)").await?.iter().all(|key| key == "y"));
        browser.click("#key option[value='']").await?;
        browser.click("#layer option[value=evidence]").await?;
        assert_ne!(shown().await?, "301 shown");
        assert!(browser.texts("#table td:nth-child(5)").await?.contains(&"does not fit".to_owned()));
        browser.click("#layer option[value='']").await?;
        assert_eq!(shown().await?, "301 shown");
        Ok(())
    });
}

#[test]
fn what_is_chosen_is_told_and_a_link_leads_back_to_it() {
    const LINK: &str = "return location.hash";
    let folder = tempdir().unwrap();
    visit(&stale_read(folder.path()), async |browser| {
        assert_eq!(browser.run(LINK).await?, "", "who came without a link has none");
        browser.click("#table tr:nth-child(3)").await?;
        assert_eq!(browser.run(LINK).await?, "#at=0.0000002s");
        let third = browser.texts("#detail").await?;
        assert!(third[0].contains("200 ns"), "{third:?}");
        browser.press("n").await?;
        assert_eq!(browser.run(LINK).await?, "#at=0.0000003s", "n goes to the next");
        browser.press("p").await?;
        assert_eq!(browser.texts("#detail").await?, third, "p to the one before");
        assert_eq!(browser.texts("#table tr[aria-selected=true]").await?.len(), 1);
        browser.press_key(Key::Escape).await?;
        assert_eq!(browser.texts("#detail").await?, ["Nothing selected."]);

        browser.open("#at=0.0000002s").await?;
        assert_eq!(browser.texts("#detail").await?, third);
        browser.run("location.hash = '#at=30us'").await?;
        let (from, to) = browser.view().await?;
        assert!(from < 30_000.0 && to > 30_000.0 && to - from < 5_000.0, "{from} {to}");
        browser.run("location.hash = '#at=<script>'").await?;
        assert_eq!(browser.view().await?, (from, to), "what is no time leads nowhere");
        Ok(())
    });
    visit(&cycle(folder.path()), async |browser| {
        browser.click("#table tr:nth-child(2)").await?;
        assert_eq!(browser.run(LINK).await?, "#at=1", "without times, the place in the order");
        let second = browser.texts("#detail").await?;
        browser.open("#at=1").await?;
        assert_eq!(browser.texts("#detail").await?, second);
        Ok(())
    });
}

/// Pans as fast as the browser paints; returns how many frames that were a second.
const PAN: &str = "const done = arguments[0], chart = document.getElementById('chart'), frames = 60;
    const press = (key) => chart.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    for (const key of '0+++') press(key);
    const begin = performance.now();
    let left = frames;
    const step = () => {
      if (left === 0) { done(1000 * frames / (performance.now() - begin)); return; }
      left -= 1;
      press(left > frames / 2 ? 'ArrowRight' : 'ArrowLeft');
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step)";

#[test]
fn ten_thousand_events_are_below_five_megabytes_and_a_hundred_thousand_can_be_looked_at() {
    let folder = tempdir().unwrap();
    let size = |events| {
        let page = made::of_history(folder.path(), "register", &made::writes(events));
        (page.metadata().unwrap().len(), page)
    };
    assert!(size(10_000).0 < 5_000_000);
    let (bytes, page) = size(100_000);
    assert!(bytes < 5_000_000, "{bytes}");
    visit(&page, async |browser| {
        let notes = browser.texts("#notes li").await?;
        assert!(notes[0].starts_with("of 50000 operations, "), "{notes:?}");
        // How fast is the machine's affair: it is kept, and not asked for.
        let frames = browser.driver.execute_async(PAN, Vec::new()).await?.json().clone();
        keep("frames-a-second", frames.to_string().as_bytes());
        photograph(browser, "hundred-thousand").await
    });
}
