//! The load generator against the fake provider.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fakes::load::{self, Report};
use fakes::provider::{self, Plan, Running};
use http_body_util::Full;
use hyper::Response;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

async fn provider() -> anyhow::Result<Running> {
    provider::spawn(provider::Options::default()).await
}

fn options(running: &Running, body: &'static str) -> load::Options {
    load::Options {
        url: format!("{}/v1/chat/completions", running.url()),
        body: body.into(),
        concurrency: 4,
        ..load::Options::default()
    }
}

fn in_order(latency: load::Latency) -> bool {
    let values = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max];
    latency.p50 > 0 && values.is_sorted()
}

#[tokio::test]
async fn closed_loop_makes_exactly_the_calls_with_keys_in_turn() {
    let running = provider().await.unwrap();
    let options = load::Options {
        calls: 40,
        warmup: 8,
        keys: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
        headers: vec![("x-test".to_owned(), "yes".to_owned())],
        ..options(&running, r#"{"model":"gpt-4o"}"#)
    };
    let report = load::run(options).await.unwrap();
    assert_eq!((report.requests, report.statuses), (40, BTreeMap::from([(200, 40)])));
    assert!(report.errors.is_empty() && report.throughput > 0.0 && in_order(report.latency_us));
    assert_eq!((report.service_us, report.first_byte_us, report.unsent), (None, None, None));
    assert_eq!(running.usage().calls, 48);
    let mut keys = BTreeMap::<_, u64>::new();
    for request in running.requests() {
        *keys.entry(request.header("authorization").to_owned()).or_default() += 1;
        assert_eq!((request.header("x-test"), request.header("content-type")), ("yes", "application/json"));
    }
    let expected = ["Bearer a", "Bearer b", "Bearer c"].map(|key| (key.to_owned(), 16));
    assert_eq!(keys, BTreeMap::from(expected));
}

#[tokio::test]
async fn streams_are_read_to_their_end() {
    let running = provider().await.unwrap();
    let stream = load::Options { calls: 20, stream: true, ..options(&running, r#"{"model":"gpt-4o","stream":true}"#) };
    let whole = load::run(stream.clone()).await.unwrap();
    assert_eq!((whole.requests, whole.unfinished_streams), (20, 0));
    assert!(whole.first_byte_us.unwrap().p50 <= whole.latency_us.p50);
    for (mode, unfinished, errors) in [
        ("error_frame", 20, BTreeMap::new()),
        ("cut", 0, BTreeMap::from([("body".to_owned(), 20)])),
        ("cut_headers", 0, BTreeMap::from([("send".to_owned(), 20)])),
        ("hang", 0, BTreeMap::from([("timeout".to_owned(), 20)])),
    ] {
        running.set_plan(Plan::of_mode(mode).unwrap(), None);
        let options = load::Options { timeout: Duration::from_millis(200), ..stream.clone() };
        let report = load::run(options).await.unwrap();
        assert_eq!((report.unfinished_streams, report.errors), (unfinished, errors), "{mode}");
    }
}

#[tokio::test]
async fn a_fixed_rate_counts_from_when_a_call_was_due() {
    let running = provider().await.unwrap();
    // One connection, 25 ms a call, one due every 10 ms: callers queue up.
    let options = load::Options {
        rate: Some(100),
        calls: 10,
        concurrency: 1,
        ..options(&running, r#"{"model":"gpt-4o","metadata":{"fake":"{\"delay_headers_ms\":25}"}}"#)
    };
    let report = load::run(options.clone()).await.unwrap();
    assert_eq!((report.requests, report.unsent), (10, Some(0)));
    let service = report.service_us.unwrap();
    assert!(service.p50 >= 25_000);
    // The tenth was due at 90 ms and could not start before 225 ms.
    assert!(report.latency_us.max >= 160_000, "{:?}", report.latency_us);
    let cut_short = load::run(load::Options { duration: Duration::from_millis(100), ..options }).await.unwrap();
    assert!(cut_short.requests < 10 && cut_short.unsent.unwrap() > 0, "{cut_short:?}");
}

#[tokio::test]
async fn costs_are_summed_exactly() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let asked = AtomicUsize::new(0);
        let service = service_fn(move |_| {
            let cost = ["0.1", "0.2", "12", "odd"][asked.fetch_add(1, Ordering::Relaxed) % 4];
            async move { Response::builder().header("x-alfred-cost-credits", cost).body(Full::<bytes::Bytes>::default()) }
        });
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
    let options = load::Options { url: format!("http://{addr}/"), calls: 8, ..load::Options::default() };
    let report = load::run(options).await.unwrap();
    assert_eq!((report.cost_millicredits, report.costs, report.costs_unreadable), (24_600, 8, 2));
}

#[tokio::test]
async fn out_of_bounds_is_refused_and_a_target_that_is_down_is_reported() {
    let good = load::Options { url: "http://127.0.0.1:1/".to_owned(), ..load::Options::default() };
    for bad in [
        load::Options { url: "http://8.8.8.8/".to_owned(), ..good.clone() },
        load::Options { duration: Duration::from_secs(601), ..good.clone() },
        load::Options { calls: load::MAX_CALLS + 1, ..good.clone() },
        load::Options { concurrency: 0, ..good.clone() },
        load::Options { concurrency: 5000, ..good.clone() },
        load::Options { rate: Some(0), ..good.clone() },
        load::Options { rate: Some(100_001), ..good.clone() },
        load::Options { keys: vec!["a\nb".to_owned()], ..good.clone() },
    ] {
        assert!(load::run(bad.clone()).await.is_err(), "{bad:?}");
    }
    let report = load::run(load::Options { calls: 3, ..good }).await.unwrap();
    assert_eq!(
        report,
        Report { errors: [("connect".to_owned(), 3)].into(), seconds: report.seconds, ..Report::default() }
    );
}
