//! The pages that the command writes, looked at in a real browser: Chromium without a screen, driven over WebDriver.
//!
//! [`visit`] opens a page, lets a test look around, and refuses whatever the browser complained of or asked the network
//! for. [`made`] has the pages. Not a default member: it needs `chromedriver`, and the command must have been built.

pub mod made;

use futures::FutureExt;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, ChromiumLikeCapabilities, DesiredCapabilities, Key, LoggingPrefsLogLevel, WebDriver};

/// Opens a page and lets `look` look around.
///
/// # Panics
///
/// Where there is no browser, where `look` panics, and where the browser complained of the page, or was made to ask for
/// anything but the page itself.
pub fn visit(page: &Path, look: impl AsyncFnOnce(&Browser) -> WebDriverResult<()>) {
    let runtime = real_tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let server = Server::start();
        let browser = Browser::start(&server, page).await.expect("chromium starts");
        // Whatever happens, the browser is told to end.
        let looked = AssertUnwindSafe(look(&browser)).catch_unwind().await;
        let complaints = browser.complaints().await;
        browser.driver.quit().await.expect("chromium ends");
        match looked {
            Ok(looked) => looked.expect("the page can be looked at"),
            Err(panic) => resume_unwind(panic),
        }
        assert_eq!(complaints.expect("chromium tells"), Vec::<String>::new(), "{}", page.display());
    });
}

/// `chromedriver`, which ends with this.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start() -> Server {
        let mut command = Command::new("chromedriver");
        let mut process =
            command.arg("--port=0").stdout(Stdio::piped()).spawn().expect("chromedriver is installed");
        let output = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        let port = output.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        Server { process, port: port.expect("chromedriver tells its port") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that is gone already is no worse.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser that shows a page. Whatever is done in it has been painted when it returns, and is an error if the browser
/// does not do it.
#[derive(Debug)]
pub struct Browser {
    /// The session.
    pub driver: WebDriver,
    url: String,
}

impl Browser {
    async fn start(server: &Server, page: &Path) -> WebDriverResult<Browser> {
        let mut wanted = DesiredCapabilities::chrome();
        // Root has no sandbox, and containers little shared memory.
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--window-size=1280,1000",
        ] {
            wanted.add_arg(argument)?;
        }
        wanted.set_logging_prefs("browser", LoggingPrefsLogLevel::All)?;
        wanted.set_logging_prefs("performance", LoggingPrefsLogLevel::All)?;
        let driver = WebDriver::new(format!("http://127.0.0.1:{}", server.port), wanted).await?;
        let browser = Browser { driver, url: format!("file://{}", page.display()) };
        browser.open("").await?;
        Ok(browser)
    }

    /// Opens the page anew, at a link into it.
    ///
    /// # Errors
    ///
    /// See [`Browser`].
    pub async fn open(&self, link: &str) -> WebDriverResult<()> {
        // Away from the page first: a link into the one that is shown would not load it.
        self.driver.goto("about:blank").await?;
        self.driver.goto(format!("{}{link}", self.url)).await?;
        self.frame().await
    }

    /// What a function's body returns in the page.
    ///
    /// # Errors
    ///
    /// See [`Browser`].
    pub async fn run(&self, body: &str) -> WebDriverResult<Value> {
        let value = self.driver.execute(body, Vec::new()).await?.json().clone();
        self.frame().await?;
        Ok(value)
    }

    /// The texts of the elements that a selector finds.
    ///
    /// # Errors
    ///
    /// See [`Browser`].
    pub async fn texts(&self, selector: &str) -> WebDriverResult<Vec<String>> {
        let body =
            format!("return [...document.querySelectorAll({})].map((it) => it.textContent)", json!(selector));
        Ok(serde_json::from_value(self.run(&body).await?)?)
    }

    /// What the chart shows: from when to when.
    ///
    /// # Errors
    ///
    /// See [`Browser`].
    pub async fn view(&self) -> WebDriverResult<(f64, f64)> {
        let body = "const { from, to } = document.getElementById('chart').dataset; return [Number(from), Number(to)]";
        Ok(serde_json::from_value(self.run(body).await?)?)
    }

    /// Clicks on an element, as a mouse does.
    ///
    /// # Errors
    ///
    /// See [`Browser`].
    pub async fn click(&self, selector: &str) -> WebDriverResult<()> {
        self.driver.find(By::Css(selector)).await?.click().await?;
        self.frame().await
    }

    /// Types a text, wherever the focus is.
    ///
    /// # Errors
    ///
    /// See [`Browser`].
    pub async fn press(&self, text: &str) -> WebDriverResult<()> {
        self.driver.action_chain().send_keys(text).perform().await?;
        self.frame().await
    }

    /// Presses a key that is no letter.
    ///
    /// # Errors
    ///
    /// See [`Browser`].
    pub async fn press_key(&self, key: Key) -> WebDriverResult<()> {
        self.driver.action_chain().send_keys(key).perform().await?;
        self.frame().await
    }

    /// What somebody does with the mouse, as the browser's protocol has it.
    ///
    /// # Errors
    ///
    /// See [`Browser`].
    pub async fn mouse(&self, event: Value) -> WebDriverResult<()> {
        self.driver.cdp().send_raw("Input.dispatchMouseEvent", event).await?;
        self.frame().await
    }

    /// Shows the page as it is on this medium, or in this light; an empty one is what it was.
    ///
    /// # Errors
    ///
    /// See [`Browser`].
    pub async fn emulate(&self, medium: &str, light: &str) -> WebDriverResult<()> {
        let features = json!([{ "name": "prefers-color-scheme", "value": light }]);
        let wanted = json!({ "media": medium, "features": features });
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", wanted).await?;
        self.frame().await
    }

    /// Waits until what was asked for is painted.
    async fn frame(&self) -> WebDriverResult<()> {
        let body =
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(true)))";
        self.driver.execute_async(body, Vec::new()).await?;
        Ok(())
    }

    /// What the browser complains of, and what it was made to ask for beside the page.
    async fn complaints(&self) -> WebDriverResult<Vec<String>> {
        let log = self.driver.browser_log().await?;
        let mut complaints: Vec<String> =
            log.into_iter().map(|entry| format!("{}: {}", entry.level, entry.message)).collect();
        for entry in self.driver.get_log("performance").await? {
            let told: Value = serde_json::from_str(&entry.message)?;
            let event = &told["message"];
            let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
            let is_page = [&*self.url, "about:blank"].contains(&url);
            if event["method"] == "Network.requestWillBeSent" && !is_page {
                complaints.push(format!("asks for {url}"));
            }
        }
        Ok(complaints)
    }
}
