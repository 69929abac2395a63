//! The tiers, and the plans that are made of them.

use planwright_sdk::types::{Currency, Decimal, Plan, Quota, Timestamp};

/// How long the promotion runs from the day it is installed.
const PROMO_SECONDS: Timestamp = 90 * 86_400;

/// English and Russian.
type Both = (&'static str, &'static str);

/// What is the same by the month and by the year.
struct Tier {
    id: &'static str,
    name: Both,
    description: Both,
    /// Rubles a month.
    price: i64,
    /// A month's input tokens, output tokens and requests.
    quotas: [u64; 3],
    features: &'static [&'static str],
}

// A plan has one list of features, so that each is said in both languages. How much there is of what is for
// the quotas to say, since it differs by the year.

const FREE: Tier = Tier {
    id: "free",
    name: ("Free", "Бесплатный"),
    description: (
        "To try it out: a small monthly allowance, no card needed",
        "Чтобы попробовать: небольшой месячный лимит, карта не нужна",
    ),
    price: 0,
    quotas: [100_000, 50_000, 500],
    features: &["Basic models / Базовые модели", "Community support / Поддержка сообщества"],
};

const STARTER: Tier = Tier {
    id: "starter",
    name: ("Starter", "Стартовый"),
    description: ("For one person's daily work", "Для ежедневной работы одного человека"),
    price: 490,
    quotas: [1_000_000, 500_000, 5_000],
    features: &["All basic models / Все базовые модели", "Support by email / Поддержка по почте"],
};

const PRO: Tier = Tier {
    id: "pro",
    name: ("Pro", "Профессиональный"),
    description: (
        "For professionals who use it all day",
        "Для профессионалов, которые работают с ним весь день",
    ),
    price: 1_490,
    quotas: [5_000_000, 2_000_000, 20_000],
    features: &[
        "All models / Все модели",
        "API access / Доступ к API",
        "Priority support / Приоритетная поддержка",
    ],
};

const BUSINESS: Tier = Tier {
    id: "business",
    name: ("Business", "Бизнес"),
    description: ("For teams and products", "Для команд и продуктов"),
    price: 4_990,
    quotas: [20_000_000, 10_000_000, 100_000],
    features: &[
        "All models / Все модели",
        "API access / Доступ к API",
        "Priority processing / Приоритетная обработка",
        "A manager of your own / Персональный менеджер",
    ],
};

/// The `default` group.
pub(crate) fn monthly() -> Vec<Plan> {
    [(FREE, 0), (STARTER, 1), (PRO, 2), (BUSINESS, 3)]
        .into_iter()
        .map(|(tier, order)| tier.by_the_month(order))
        .collect()
}

/// The `annual` group: the price of a year is said here, and a test holds it to 20% off twelve months.
pub(crate) fn annual() -> Vec<Plan> {
    [(STARTER, 4_704, 5), (PRO, 14_304, 6), (BUSINESS, 47_904, 7)]
        .into_iter()
        .map(|(tier, price, order)| tier.by_the_year(price, order))
        .collect()
}

/// The `promo` group. It is off, since the day it begins is the operator's to choose.
pub(crate) fn promotional(now: Timestamp) -> Vec<Plan> {
    let metadata = [
        ("promo", "true".to_owned()),
        ("promo_code", "NEWYEAR50".to_owned()),
        ("promo_ends", now.saturating_add(PROMO_SECONDS).to_string()),
    ];
    vec![Plan {
        id: "newyear".to_owned(),
        name: "New Year".to_owned(),
        name_ru: Some("Новогодний".to_owned()),
        description: Some("All of Pro at half its price".to_owned()),
        description_ru: Some("Всё, что в тарифе Профессиональный, за полцены".to_owned()),
        price: rubles(745),
        is_active: false,
        metadata: metadata.map(|(key, value)| (key.to_owned(), value)).to_vec(),
        ..PRO.by_the_month(10)
    }]
}

impl Tier {
    fn by_the_month(&self, display_order: u32) -> Plan {
        Plan {
            id: self.id.to_owned(),
            name: self.name.0.to_owned(),
            name_ru: Some(self.name.1.to_owned()),
            description: Some(self.description.0.to_owned()),
            description_ru: Some(self.description.1.to_owned()),
            price: rubles(self.price),
            currency: Currency { code: "RUB".to_owned(), digits: 2 },
            interval: "month".to_owned(),
            quotas: quotas(self.quotas),
            overage: Vec::new(),
            features: self.features.iter().map(|feature| (*feature).to_owned()).collect(),
            trial_days: 0,
            billing_plan_id: None,
            is_active: true,
            display_order,
            metadata: Vec::new(),
        }
    }

    fn by_the_year(&self, price: i64, display_order: u32) -> Plan {
        let off = "20% off twelve months / Скидка 20% от двенадцати месяцев";
        let features = std::iter::once(off).chain(self.features.iter().copied());
        Plan {
            id: format!("{}_annual", self.id),
            name: format!("{} Annual", self.name.0),
            name_ru: Some(format!("{} на год", self.name.1)),
            description: Some(format!("{}; a year at once, 20% off", self.description.0)),
            description_ru: Some(format!("{}; сразу на год, скидка 20%", self.description.1)),
            price: rubles(price),
            interval: "year".to_owned(),
            quotas: quotas(self.quotas.map(|a_month| a_month * 12)),
            features: features.map(str::to_owned).collect(),
            ..self.by_the_month(display_order)
        }
    }
}

fn quotas([tokens_input, tokens_output, requests]: [u64; 3]) -> Vec<Quota> {
    [("tokens_input", tokens_input), ("tokens_output", tokens_output), ("requests", requests)]
        .map(|(metric, limit)| Quota { metric: metric.to_owned(), limit })
        .to_vec()
}

fn rubles(price: i64) -> Decimal {
    Decimal { coefficient: price, scale: 0 }
}
