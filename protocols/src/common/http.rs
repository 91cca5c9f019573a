//! As much of HTTP/1.0 as health checks need: one request a connection, and its answer.

use host::net::TcpStream;
use host::time::timeout;
use host::trace;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The longest head, and the longest body, in bytes.
const PART_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub method: String,
    /// Without what follows a question mark.
    pub path: String,
    pub body: Vec<u8>,
}

/// What it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub status: u16,
    pub body: Vec<u8>,
}

/// A part of a message, as it was parsed: how long its head is, and its body will be.
struct Head<T> {
    what: T,
    length: usize,
    body: usize,
}

/// Reads the one request of a connection.
///
/// # Errors
///
/// When the connection ends before, or what comes is no HTTP (`InvalidData`).
pub(crate) async fn read_request(stream: &mut TcpStream) -> io::Result<Request> {
    let ((method, path), body) = read(stream, request_head, false).await?;
    Ok(Request { method, path, body })
}

/// Answers the one request of a connection, in JSON.
///
/// # Errors
///
/// When the client has gone.
pub(crate) async fn respond(
    stream: &mut TcpStream,
    request: &Request,
    response: &Response,
) -> io::Result<()> {
    let Response { status, body } = response;
    let reason = if *status < 300 { "OK" } else { "No" };
    let length = body.len();
    let head = format!(
        "HTTP/1.0 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    trace::message(head.as_bytes(), format_args!("{status} {reason}"));
    stream.write_all(head.as_bytes()).await?;
    if !matches!(request.method.as_str(), "HEAD" | "OPTIONS") {
        trace::message(body, Text(body));
        stream.write_all(body).await?;
    }
    stream.shutdown().await
}

/// How long a server has for each of two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// To take the connection.
    pub connect: Duration,
    /// To answer on it.
    pub answer: Duration,
}

/// Asks one thing of a server.
///
/// # Errors
///
/// When it cannot be reached, does not answer in time, or answers no HTTP.
pub(crate) async fn ask(
    server: SocketAddr,
    method: &str,
    path: &str,
    body: &[u8],
    patience: Patience,
) -> io::Result<Response> {
    let too_late = |_| io::Error::from(io::ErrorKind::TimedOut);
    let mut stream = timeout(patience.connect, TcpStream::connect(server)).await.map_err(too_late)??;
    let asking = async {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {length}\r\n\r\n");
        let request = [head.as_bytes(), body].concat();
        trace::message(&request, format_args!("{method} {path} {:?}", Text(body)));
        stream.write_all(&request).await?;
        let (status, body) =
            read(&mut stream, response_head, method == "HEAD" || method == "OPTIONS").await?;
        Ok(Response { status, body })
    };
    timeout(patience.answer, asking).await.map_err(too_late)?
}

/// A body as a trace shows it.
struct Text<'a>(&'a [u8]);

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.0))
    }
}

/// Reads a head, and the body that it announces, unless there is none whatever it says.
async fn read<T>(
    stream: &mut TcpStream,
    parse: fn(&[u8]) -> io::Result<Option<Head<T>>>,
    head_only: bool,
) -> io::Result<(T, Vec<u8>)> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(head) = parse(&bytes)? {
            break head;
        }
        if bytes.len() > PART_BYTES_MAX {
            return Err(malformed("its head is too long"));
        }
        more(stream, &mut bytes).await?;
    };
    let body = if head_only { 0 } else { head.body };
    if body > PART_BYTES_MAX {
        return Err(malformed("its body is too long"));
    }
    while bytes.len() < head.length + body {
        more(stream, &mut bytes).await?;
    }
    Ok((head.what, bytes[head.length..head.length + body].to_vec()))
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(bytes).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn request_head(bytes: &[u8]) -> io::Result<Option<Head<(String, String)>>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    let Some(length) = complete(head.parse(bytes))? else { return Ok(None) };
    let (method, path) = (head.method.unwrap_or_default(), head.path.unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let what = (method.to_owned(), path.to_owned());
    Ok(Some(Head { what, length, body: content_length(head.headers)? }))
}

fn response_head(bytes: &[u8]) -> io::Result<Option<Head<u16>>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    let Some(length) = complete(head.parse(bytes))? else { return Ok(None) };
    let what = head.code.unwrap_or_default();
    Ok(Some(Head { what, length, body: content_length(head.headers)? }))
}

fn complete(parsed: httparse::Result<usize>) -> io::Result<Option<usize>> {
    match parsed {
        Ok(httparse::Status::Complete(length)) => Ok(Some(length)),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

fn content_length(headers: &[httparse::Header<'_>]) -> io::Result<usize> {
    let Some(header) = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"))
    else {
        return Ok(0);
    };
    let length = std::str::from_utf8(header.value).ok().and_then(|length| length.trim().parse().ok());
    length.ok_or_else(|| malformed("its length is no number"))
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_with_an_empty_line_and_says_how_long_its_body_is() {
        let text = b"POST /failsafe?x=1 HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}";
        let head = request_head(text).unwrap().unwrap();
        assert_eq!(head.what, ("POST".to_owned(), "/failsafe".to_owned()));
        assert_eq!((head.length, head.body), (text.len() - 2, 2));
        assert!(request_head(&text[..20]).unwrap().is_none());
        assert!(request_head(b"\x00\x01\x02 what is this").is_err());
    }

    #[test]
    fn a_length_that_is_no_number_is_refused() {
        assert!(response_head(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n").is_err());
        let head = response_head(b"HTTP/1.0 503 No\r\n\r\n").unwrap().unwrap();
        assert_eq!((head.what, head.body), (503, 0));
    }
}
