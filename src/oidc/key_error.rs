//! Why key material was not taken.

/// Why key material was not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// No PEM block in it.
    #[error("there is no PEM block in it (a line that says -----BEGIN …-----)")]
    NotPem,
    /// A BEGIN without its END.
    #[error("the PEM block that begins at line {line} does not end: the file is truncated")]
    Unterminated {
        /// Line of the BEGIN marker.
        line: usize,
    },
    /// Broken base64.
    #[error(
        "the PEM block that begins at line {line} is not base64: the file is damaged or truncated"
    )]
    Base64 {
        /// Line of the BEGIN marker.
        line: usize,
    },
    /// Base64 of something else than the label says.
    #[error("the {label} block at line {line} is damaged")]
    Damaged {
        /// The PEM label.
        label: String,
        /// Line of the BEGIN marker.
        line: usize,
    },
    /// A passphrase-protected key.
    #[error("the private key is encrypted, and kube-apiserver does not read encrypted keys")]
    Encrypted,
    /// ssh-keygen's default form.
    #[error("it is in OpenSSH's own form, which kube-apiserver does not read")]
    OpenSsh,
    /// Another algorithm than RSA.
    #[error("it is {0}; only RSA keys for RS256 are supported")]
    Algorithm(String),
    /// A PEM block of another kind.
    #[error("a {label} block (line {line}) is not a key or a certificate")]
    Label {
        /// The PEM label.
        label: String,
        /// Line of the BEGIN marker.
        line: usize,
    },
    /// A modulus out of range.
    #[error("the RSA key has {0} bits; 2048 to 4096 are supported")]
    Size(usize),
    /// Another exponent than 65537.
    #[error("the RSA key's public exponent is not 65537")]
    Exponent,
    /// The numbers do not make a key.
    #[error("its numbers do not make an RSA key")]
    Invalid,
    /// More or fewer private keys than one.
    #[error("a signing key file holds one private key; this one holds {0} PEM blocks")]
    NotOne(usize),
    /// A public key where the private one is needed.
    #[error("it holds a {0}, not a private key")]
    NotPrivate(String),
}

impl KeyError {
    /// The command that gets the user out of it, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::OpenSsh => Some(
                "ssh-keygen -p -m PKCS8 -f FILE turns a copy of it into PKCS#8; or let 'irsactl keygen' make a new key",
            ),
            Self::Encrypted => Some(
                "openssl pkey -in FILE -out NEW_FILE removes the passphrase (keep NEW_FILE at mode 0600)",
            ),
            Self::Unterminated { .. }
            | Self::Base64 { .. }
            | Self::Damaged { .. }
            | Self::Invalid => {
                Some("restore the file from where it came from; it is not repaired here")
            }
            Self::Algorithm(_) | Self::Size(_) | Self::Exponent => {
                Some("'irsactl keygen' makes an RSA key that AWS and every API server accept")
            }
            _ => None,
        }
    }
}
