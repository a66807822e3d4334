//! What statements are given and rows hold.

/// 2^53 - 1: the largest integer that a double and all below it carry exactly.
pub const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// One value of a statement or row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL's NULL.
    Null,
    /// An integer within ±[`MAX_SAFE_INTEGER`].
    Int(i64),
    /// Text; also any 64-bit integer on its way through a cast.
    Text(String),
}

impl Value {
    /// An integer of any size, as text for `CAST(? AS INTEGER)`.
    #[must_use]
    pub fn exact(value: i64) -> Self {
        Self::Text(value.to_string())
    }

    /// A count or sequence; one beyond 2^53 is refused by the storage.
    #[must_use]
    pub fn count(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
