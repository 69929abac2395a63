//! Schemas of what derives none: exact decimals, ids, currencies and times. A type that crosses JSON derives
//! [`ToSchema`] and names these where it holds such a value.
//!
//! A request's schema has the limits of the standard validation plugin too, which hold unless an operator
//! replaces it; an answer's schema has what the host itself promises.

use serde_json::{Value, json};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Object, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::usage::quantity::Quantity;

/// An exact decimal in an answer.
pub enum Decimal {}

impl ToSchema for Decimal {}

impl PartialSchema for Decimal {
    fn schema() -> RefOr<Schema> {
        let description =
            "An exact decimal in its shortest form. Read it as a decimal, not as a binary float.";
        let number = ObjectBuilder::new().schema_type(Type::Number);
        number.description(Some(description)).examples([json!(2990)]).into()
    }
}

/// A price in a request.
pub enum Price {}

impl ToSchema for Price {}

impl PartialSchema for Price {
    fn schema() -> RefOr<Schema> {
        const LARGEST: usize = 1_000_000_000_000_000;
        let number = ObjectBuilder::new().schema_type(Type::Number);
        let number = number.minimum(Some(0_usize)).maximum(Some(LARGEST));
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = text.pattern(Some(r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,3})?$"));
        let description = "Exact, as a number or as text, with no more fraction digits than the \
                           currency has: RUB 2, JPY 0, KWD 3.";
        let either = OneOfBuilder::new().item(number).item(text);
        either.description(Some(description)).examples([json!(2990), json!("2990.50")]).into()
    }
}

/// A currency. Which of them there are is said in words: a list of 180 would be out of date in somebody's
/// client.
pub enum Currency {}

impl ToSchema for Currency {}

impl PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        let description = "An ISO 4217 code. Of plans the standard rules take RUB, USD and EUR, or \
                           those that they are told to.";
        text("^[A-Z]{3}$", description, "RUB").into()
    }
}

/// An instant on the first document's routes and ours.
pub enum UnixSeconds {}

impl ToSchema for UnixSeconds {}

impl PartialSchema for UnixSeconds {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::Custom("unix-seconds".to_owned())))
            .minimum(Some(-377_705_023_201_isize))
            .maximum(Some(253_402_207_200_isize))
            .examples([json!(1_738_742_400)])
            .into()
    }
}

/// The price of a unit in a request.
pub enum UnitPrice {}

impl ToSchema for UnitPrice {}

impl PartialSchema for UnitPrice {
    fn schema() -> RefOr<Schema> {
        let description =
            "Exact, as a number or as text, with at most 9 digits after the point and 18 in all.";
        exact(9, description, json!(0.015))
    }
}

/// How much of something, in a request.
pub enum Measure {}

impl ToSchema for Measure {}

impl PartialSchema for Measure {
    fn schema() -> RefOr<Schema> {
        let description =
            "Exact, as a number or as text, with at most 6 digits after the point and 18 in all.";
        exact(6, description, json!(1500))
    }
}

fn exact(digits: u32, description: &str, example: Value) -> RefOr<Schema> {
    let number = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0_usize));
    let text = ObjectBuilder::new().schema_type(Type::String);
    let text = text.pattern(Some(format!(r"^(0|[1-9][0-9]{{0,17}})(\.[0-9]{{1,{digits}}})?$")));
    let either = OneOfBuilder::new().item(number).item(text);
    either.description(Some(description)).examples([example]).into()
}

/// An instant on the second document's routes.
pub enum DateTime {}

impl ToSchema for DateTime {}

impl PartialSchema for DateTime {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples([json!("2025-02-05T08:00:00Z")])
            .into()
    }
}

/// A plan's features in a request.
pub enum Features {}

impl ToSchema for Features {}

impl PartialSchema for Features {
    fn schema() -> RefOr<Schema> {
        let feature = ObjectBuilder::new().schema_type(Type::String).max_length(Some(200));
        let null = [Type::Array, Type::Null];
        let list = ArrayBuilder::new().schema_type(SchemaType::from_iter(null)).items(feature);
        list.max_items(Some(100)).description(Some("What a subscriber gets, in words.")).into()
    }
}

/// Notes of the operator's own in a request.
pub enum Metadata {}

impl ToSchema for Metadata {}

impl PartialSchema for Metadata {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let map =
            ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Object, Type::Null]));
        map.property_names(Some(text().min_length(Some(1)).max_length(Some(100)).build()))
            .additional_properties(Some(text().max_length(Some(4000))))
            .max_properties(Some(100))
            .description(Some("The operator's own notes."))
            .into()
    }
}

/// Amounts by metric in a request.
pub enum Amounts {}

impl ToSchema for Amounts {}

impl PartialSchema for Amounts {
    fn schema() -> RefOr<Schema> {
        let map =
            ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Object, Type::Null]));
        map.additional_properties(Some(Quantity::schema()))
            .min_properties(Some(1))
            .max_properties(Some(100))
            .into()
    }
}

/// A usage event's notes in a request.
pub enum EventNotes {}

impl ToSchema for EventNotes {}

impl PartialSchema for EventNotes {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String).max_length(Some(500));
        let map =
            ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Object, Type::Null]));
        map.property_names(Some(text().build()))
            .additional_properties(Some(text()))
            .max_properties(Some(20))
            .into()
    }
}

/// A text of one form.
pub(crate) fn text(pattern: &str, description: &str, example: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .description(Some(description))
        .examples([Value::from(example)])
        .build()
}
