//! What a user has: money that was paid, or given back of a plan, and is not used yet.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::decimal;
use crate::money::Currency;
use crate::schema;

/// Amounts by currency, none of them 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Credit(BTreeMap<&'static str, Amount>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct Amount(#[serde(with = "decimal")] Decimal);

impl FromIterator<(Currency, Decimal)> for Credit {
    fn from_iter<I: IntoIterator<Item = (Currency, Decimal)>>(balances: I) -> Self {
        let is_there = balances.into_iter().filter(|(_, amount)| !amount.is_zero());
        Self(is_there.map(|(currency, amount)| (currency.code(), Amount(amount))).collect())
    }
}

impl ToSchema for Credit {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((schema::Decimal::name().into_owned(), schema::Decimal::schema()));
    }
}

impl PartialSchema for Credit {
    fn schema() -> RefOr<Schema> {
        let amount = RefOr::<Schema>::from(Ref::from_schema_name(schema::Decimal::name()));
        let map = ObjectBuilder::new().schema_type(Type::Object);
        let map = map.additional_properties(Some(amount));
        map.description(Some("By currency; none that is 0."))
            .examples([serde_json::json!({"RUB": 490})])
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_has_is_shown_exactly_and_what_is_nothing_is_not() {
        let of = |text: &str| text.parse::<Decimal>().unwrap();
        let all = [
            (Currency::USD, of("0.10")),
            (Currency::RUB, of("490.00")),
            (Currency::EUR, of("0.00")),
            (Currency::JPY, of("12345678901234567890")),
        ];
        let shown = serde_json::to_string(&all.into_iter().collect::<Credit>()).unwrap();
        assert_eq!(shown, r#"{"JPY":12345678901234567890,"RUB":490,"USD":0.1}"#);
    }
}
