//! `discovery`: discovery.json on stdout.

use clap::Args;

use crate::config::names::IssuerNames;
use crate::config::{Global, resolve};
use crate::error::{Exit, Result};
use crate::oidc::discovery::DiscoveryDocument;
use crate::output::{self, Answer};
use crate::plan::document::json_text;

/// Options of `discovery`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl discovery --bucket my-issuer --region us-west-2
  irsactl discovery --issuer https://oidc.example.com/prod")]
pub struct Discovery {
    #[command(flatten)]
    issuer: IssuerNames,
}

impl Answer for DiscoveryDocument {
    fn is_document(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        json_text(self)
    }
}

impl Discovery {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
        let issuer = resolve::issuer(global, &self.issuer).await?;
        output::print(&DiscoveryDocument::of(&issuer), global.output)?;
        Ok(Exit::Done)
    }
}
