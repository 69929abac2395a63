//! Why a line is not priced.

use planwright_sdk::Refusal;
use planwright_sdk::pricing::Line;

/// Every refusal of a line names its product.
pub(crate) fn refusal(line: &Line, code: &str, why: &str) -> Refusal {
    Refusal::new(code, format!("'{}' cannot be priced: {why}.", line.product))
}
