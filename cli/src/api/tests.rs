//! What goes over the wire, against a server that answers what it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use super::*;

/// A request as it came.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Answers each connection with the next of these; hangs up at an empty one.
fn server(answers: &[&str]) -> (Api, JoinHandle<Vec<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = Api::new(&format!("http://{}/", listener.local_addr().unwrap()), "sk-test", Some("org_1".into()));
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let serve = move || {
        let mut seen = Vec::new();
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut next = || {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                line.trim_end().to_owned()
            };
            let line = next();
            let mut headers = Vec::new();
            while let Some((name, value)) = next().split_once(": ") {
                headers.push((name.to_lowercase(), value.to_owned()));
            }
            let mut one = Seen { line, headers, body: String::new() };
            let length = one.header("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            one.body = String::from_utf8(body).unwrap();
            seen.push(one);
            reader.into_inner().write_all(answer.as_bytes()).unwrap();
        }
        seen
    };
    (api, thread::spawn(serve))
}

fn answer(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n{body}", body.len())
}

const BUSY: &str = r#"{"title":"Try again in a moment","detail":"a part of the service does not answer","status":503}"#;

#[test]
fn what_makes_something_is_sent_again_under_one_key() {
    let busy = answer("503 Service Unavailable", "retry-after: 0\r\n", BUSY);
    let made = answer("201 Created", "", r#"{"id":"dep_1"}"#);
    let (api, server) = server(&[&busy, "", &made]);
    let body = json!({ "name": "Research" });
    assert_eq!(api.order(operations::CREATE_DEPARTMENT, &[], &body), Ok(json!({ "id": "dep_1" })));
    let seen = server.join().unwrap();
    assert_eq!(seen.len(), 3);
    let key = seen[0].header("idempotency-key").unwrap();
    assert_eq!(key.len(), "cli-".len() + 32);
    for one in &seen {
        assert_eq!(one.line, "POST /api/v1/departments HTTP/1.1");
        assert_eq!(one.body, body.to_string());
        assert_eq!(one.header("idempotency-key"), Some(key));
        assert_eq!(one.header("authorization"), Some("Bearer sk-test"));
        assert_eq!(one.header("x-alfred-organization"), Some("org_1"));
    }
}

#[test]
fn what_changes_something_is_sent_once() {
    let busy = answer("503 Service Unavailable", "retry-after: 0\r\n", BUSY);
    let (api, server) = server(&[&busy]);
    let refused = api.order(operations::CHANGE_TEAM, &["team_1"], &json!({})).unwrap_err();
    assert_eq!(refused.to_string(), "Try again in a moment: a part of the service does not answer");
    let seen = server.join().unwrap();
    assert_eq!((seen.len(), seen[0].header("idempotency-key")), (1, None));
}

#[test]
fn what_came_too_often_is_sent_again_whatever_it_is() {
    let often = answer("429 Too Many Requests", "retry-after: 0\r\n", r#"{"title":"T","detail":"d","status":429}"#);
    let (api, server) = server(&[&often, &often, &answer("200 OK", "", r#"{"id":"team_1"}"#)]);
    assert_eq!(api.order(operations::CHANGE_TEAM, &["team_1"], &json!({})), Ok(json!({ "id": "team_1" })));
    assert_eq!(server.join().unwrap().len(), 3);
}

#[test]
fn a_refusal_is_final_and_keeps_its_words() {
    let body = r#"{"title":"That is not permitted","detail":"no role of yours permits it","status":403}"#;
    let (api, server) = server(&[&answer("403 Forbidden", "", body)]);
    let refused = api.call(operations::LIST_TEAMS, &[]).unwrap_err();
    assert_eq!(refused.to_string(), "That is not permitted: no role of yours permits it");
    server.join().unwrap();
}

#[test]
fn what_is_not_alfred() {
    for (reply, words) in [
        (answer("200 OK", "", "<html>"), "not JSON"),
        (answer("502 Bad Gateway", "", "<html>"), "502"),
        (answer("302 Found", "location: http://127.0.0.1:9/\r\n", ""), "302"),
        (answer("200 OK", "", "{}"), "data"),
    ] {
        let (api, server) = server(&[&reply]);
        let failure = api.list(operations::LIST_TEAMS, &[], &[], None).unwrap_err().to_string();
        assert!(failure.contains(words), "{failure}");
        server.join().unwrap();
    }
}

#[test]
fn a_list_has_all_pages() {
    let page = |data: &str, next: &str| answer("200 OK", "", &format!(r#"{{"data":{data},"next_cursor":{next}}}"#));
    let pages = [page("[1,2]", "\"a b\""), page("[3]", "\"c\""), page("[]", "null")];
    let (api, serving) = server(&[&pages[0], &pages[1], &pages[2]]);
    let query = [("department_id", Some("dep_1".to_owned()))];
    assert_eq!(api.list(operations::LIST_TEAMS, &[], &query, None), Ok(vec![json!(1), json!(2), json!(3)]));
    let lines: Vec<String> = serving.join().unwrap().into_iter().map(|one| one.line).collect();
    assert_eq!(
        lines,
        [
            "GET /api/v1/teams?department_id=dep_1&limit=100 HTTP/1.1",
            "GET /api/v1/teams?department_id=dep_1&limit=100&cursor=a%20b HTTP/1.1",
            "GET /api/v1/teams?department_id=dep_1&limit=100&cursor=c HTTP/1.1",
        ]
    );
    let (api, serving) = server(&[&pages[0]]);
    assert_eq!(api.list(operations::LIST_TEAMS, &[], &[], Some(1)), Ok(vec![json!(1)]));
    serving.join().unwrap();
    let (api, serving) = server(&[&pages[0], &pages[0]]);
    assert!(api.list(operations::LIST_TEAMS, &[], &[], None).is_err(), "the list does not end");
    serving.join().unwrap();
}

#[test]
fn nobody_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = Api::new(&format!("http://{free}"), "k", None).call(operations::GET_ME, &[]).unwrap_err();
    assert!(matches!(failure, Failure::Unreachable { .. }), "{failure:?}");
}
