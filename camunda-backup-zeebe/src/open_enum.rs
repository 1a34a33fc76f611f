//! Enums whose words come from a server: unknown words are kept as they are and are never equal to a known one.

/// Declares an enum of server words with a last variant for words that are not known.
///
/// Words are compared without regard to case: REST writes `leader`, the actuators write `LEADER`. As JSON the enum is
/// the word.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal $(| $alias:literal)*,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word that this version of the library does not know, shortened to one line. Never a success.
            Other(String),
        }

        impl $name {
            /// The value that a server's word stands for.
            pub fn from_word(word: &str) -> Self {
                let word = word.trim();
                $(if word.eq_ignore_ascii_case($word) $(|| word.eq_ignore_ascii_case($alias))* {
                    return Self::$variant;
                })+
                Self::Other(camunda_backup_core::text::one_line(word))
            }

            /// The word, in upper case where it is a known one.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(if self.as_str().is_empty() { "nothing was said" } else { self.as_str() })
            }
        }

        /// Reads a known word that a person typed, in any case; `-` may stand for `_`.
        impl std::str::FromStr for $name {
            type Err = camunda_backup_core::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match Self::from_word(&text.replace('-', "_")) {
                    Self::Other(_) => {
                        let shown = camunda_backup_core::text::one_line(text);
                        let known: &[&str] = &[$($word),+];
                        Err(camunda_backup_core::Error::new(
                            camunda_backup_core::ErrorKind::InvalidInput,
                            format!("{shown:?} is none of the known words"),
                        )
                        .with_advice(format!("write one of {}", known.join(", "))))
                    }
                    known => Ok(known),
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from_word(&word)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.as_str().to_owned()
            }
        }
    };
}

pub(crate) use open_enum;
