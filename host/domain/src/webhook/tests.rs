use super::*;

const OUT: Reach = Reach { private_networks: false, http: false };
const ANYWHERE: Reach = Reach { private_networks: true, http: true };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn make(json: &str, reach: Reach) -> Result<Endpoint, Refusal> {
    Endpoint::from_draft("whe_1".to_owned(), serde_json::from_str(json).unwrap(), reach, at(1))
}

fn fields(result: Result<Endpoint, Refusal>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(Refusal::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_url_leads_out_over_tls_unless_more_is_allowed() {
    let only = |private_networks, http| Reach { private_networks, http };
    for (url, reach, allowed) in [
        ("https://shop.example/hooks?x=1", OUT, true),
        (" https://shop.example ", OUT, true),
        ("https://shop.example:8443/", OUT, true),
        ("https://1.1.1.1/", OUT, true),
        // A name is looked at when it is called.
        ("https://localhost/", OUT, true),
        ("http://shop.example/", OUT, false),
        ("http://shop.example/", only(false, true), true),
        ("http://10.0.0.1/", only(false, true), false),
        ("https://10.0.0.1/", only(true, false), true),
        ("http://10.0.0.1/", only(true, false), false),
        ("http://10.0.0.1/", ANYWHERE, true),
        ("https://127.0.0.1/", OUT, false),
        // The same address in the other ways that browsers and resolvers read.
        ("https://127.1/", OUT, false),
        ("https://2130706433/", OUT, false),
        ("https://0x7f.0.0.1/", OUT, false),
        ("https://0177.0.0.1/", OUT, false),
        ("https://[::1]/", OUT, false),
        ("https://[::ffff:169.254.169.254]/", OUT, false),
        ("https://169.254.169.254/latest", OUT, false),
        ("https://[2606:4700:4700::1111]/", OUT, true),
        ("https://user@shop.example/", ANYWHERE, false),
        ("https://:pass@shop.example/", ANYWHERE, false),
        ("https://shop.example/#part", ANYWHERE, false),
        ("ftp://shop.example/", ANYWHERE, false),
        ("file:///etc/passwd", ANYWHERE, false),
        ("https://", ANYWHERE, false),
        ("shop.example", ANYWHERE, false),
        ("", ANYWHERE, false),
    ] {
        let found = fields(make(&format!(r#"{{"url":"{url}"}}"#), reach));
        assert_eq!(found.is_empty(), allowed, "{url}: {found:?}");
    }
    let long = format!(r#"{{"url":"https://shop.example/{}"}}"#, "a".repeat(2_000));
    assert_eq!(fields(make(&long, OUT)), ["url"]);
}

#[test]
fn a_draft_says_by_name_what_is_wrong() {
    let long = "\u{436}".repeat(201);
    for (json, expected) in [
        (r#"{"url":"https://a.example","events":["plan.*","plan.created"]}"#.to_owned(), vec![]),
        (r#"{"url":"x","events":["plan.made"]}"#.to_owned(), vec!["url", "events[0]"]),
        (r#"{"url":"https://a.example","events":["*"]}"#.to_owned(), vec!["events[0]"]),
        (r#"{"url":"https://a.example","events":["webhook.test"]}"#.to_owned(), vec!["events[0]"]),
        (r#"{"url":"https://a.example","events":["plan.*","x.*"]}"#.to_owned(), vec!["events[1]"]),
        (format!(r#"{{"url":"https://a.example","description":"{long}"}}"#), vec!["description"]),
        (r#"{"url":"https://a.example","description":"a\nb"}"#.to_owned(), vec!["description"]),
    ] {
        assert_eq!(fields(make(&json, OUT)), expected, "{json}");
    }
}

#[test]
fn it_hears_what_it_listens_to_while_it_is_on() {
    for (events, enabled, kind, expected) in [
        ("[]", true, EventType::PlanCreated, true),
        ("[]", false, EventType::PlanCreated, false),
        (r#"["plan.*"]"#, true, EventType::PlanCreated, true),
        (r#"["plan.*"]"#, true, EventType::SubscriptionCreated, false),
        (r#"["plan.deleted","subscription.created"]"#, true, EventType::PlanCreated, false),
        (r#"["plan.deleted","subscription.created"]"#, true, EventType::PlanDeleted, true),
    ] {
        let json = format!(r#"{{"url":"https://a.example","events":{events}}}"#);
        let endpoint = Endpoint { enabled, ..make(&json, OUT).unwrap() };
        assert_eq!(endpoint.listens_to(kind), expected, "{events} {enabled} {kind:?}");
    }
}

#[test]
fn a_patch_changes_what_it_names_and_whoever_switches_it_on_forgets_why_it_was_off() {
    let one = make(r#"{"url":"https://a.example","events":["plan.*"]}"#, OUT).unwrap();
    let off = one.disabled("It failed for days.", at(5));
    assert_eq!((off.enabled, off.disabled_reason.is_some(), off.updated_at), (false, true, at(5)));
    for (json, url, events, enabled, reason, updated_at) in [
        ("{}", "https://a.example/", 1, false, true, 5),
        (r#"{"enabled":false}"#, "https://a.example/", 1, false, true, 5),
        (r#"{"enabled":true}"#, "https://a.example/", 1, true, false, 9),
        (r#"{"events":[],"url":"https://b.example"}"#, "https://b.example/", 0, false, true, 9),
    ] {
        let patch = serde_json::from_str(json).unwrap();
        let patched = off.patched(patch, OUT, at(9)).unwrap();
        assert_eq!((patched.url.as_str(), patched.events.len()), (url, events), "{json}");
        assert_eq!(
            (patched.enabled, patched.disabled_reason.is_some()),
            (enabled, reason),
            "{json}"
        );
        assert_eq!(patched.updated_at, at(updated_at), "{json}");
    }
    // What was read can be sent back.
    let read = serde_json::to_string(&off).unwrap();
    assert_eq!(off.patched(serde_json::from_str(&read).unwrap(), OUT, at(9)).unwrap(), off);
    for json in [r#"{"url":null}"#, r#"{"enabled":null}"#, r#"{"secret":"x"}"#] {
        assert!(serde_json::from_str::<EndpointPatch>(json).is_err(), "{json}");
    }
}

#[test]
fn an_old_secret_signs_for_a_day_unless_somebody_says_otherwise() {
    for (json, expected) in [
        ("{}", Some(86_400)),
        (r#"{"overlap_hours":0}"#, Some(0)),
        (r#"{"overlap_hours":168}"#, Some(604_800)),
        (r#"{"overlap_hours":169}"#, None),
    ] {
        let rotation: Rotation = serde_json::from_str(json).unwrap();
        assert_eq!(rotation.end_of_old(at(0)).ok().map(Timestamp::as_second), expected, "{json}");
    }
}
