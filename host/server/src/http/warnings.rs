//! What the rules warn of, in headers.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use planwright_domain::plan::review::Finding;

/// A `Warning: 299` header for each finding that did not refuse, as far as clients take headers; all of them are
/// whole in the audit log.
pub(super) fn with_warnings(mut response: Response, warnings: &[Finding]) -> Response {
    const MOST: usize = 10;
    const LONGEST: usize = 400;
    let (shown, rest) = warnings.split_at(warnings.len().min(MOST));
    let more = (!rest.is_empty()).then(|| format!("{} more are in the audit log.", rest.len()));
    for message in shown.iter().map(|warning| warning.message.as_str()).chain(more.as_deref()) {
        let text: String = message
            .chars()
            .take(LONGEST)
            .map(|one| if one.is_control() { ' ' } else { one })
            .flat_map(|one| ['\\'].into_iter().filter(move |_| "\"\\".contains(one)).chain([one]))
            .collect();
        if let Ok(value) = HeaderValue::from_bytes(format!("299 - \"{text}\"").as_bytes()) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}
