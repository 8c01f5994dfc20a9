//! The JSON Schema of each command's answer in JSON, made from the very types that are serialised.
//!
//! They are kept under `schemas/`, a file a command. What is not an answer but a document of a form of
//! its own, such as a JWK Set or a policy, is described by its own standard.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, RestrictFormats};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};

use crate::output::plan::PlanAnswer;
use crate::output::{Answer, FORMAT_VERSION};

use super::bootstrap::BootstrapAnswer;
use super::config::PrintAnswer;
use super::destroy::DestroyAnswer;
use super::echoer::EchoerAnswer;
use super::emit::TerraformAnswer;
use super::explain::ExplainAnswer;
use super::flags::FlagsAnswer;
use super::keygen::KeygenAnswer;
use super::migrate::StageAnswer;
use super::provider::ProviderAnswer;
use super::publish::PublishAnswer;
use super::report::ReportAnswer;
use super::role::RoleAnswer;
use super::rotate::{RotateAnswer, StatusAnswer};
use super::thumbprint::ThumbprintAnswer;
use super::token::{DecodeAnswer, MintAnswer};
use super::verify::VerifyAnswer;
use super::webhook::WebhookAnswer;

/// An answer's schema.
type Answered = fn(&mut SchemaGenerator) -> Schema;

/// The schemas (draft 2020-12) by the command's words; a command that can make a dry run answers with
/// its plan then, and `apply` as the command whose plan it is.
pub fn schemas() -> Vec<(&'static str, Value)> {
    let plan: Answered = answer::<PlanAnswer>;
    let publish: Answered = answer::<PublishAnswer>;
    let provider: Answered = answer::<ProviderAnswer>;
    let bootstrap: Answered = answer::<BootstrapAnswer>;
    let role: Answered = answer::<RoleAnswer>;
    let rotate: Answered = answer::<RotateAnswer>;
    let destroy: Answered = answer::<DestroyAnswer>;
    let migrate: Answered = answer::<StageAnswer>;
    vec![
        of("keygen", &[answer::<KeygenAnswer>]),
        of("publish", &[publish, plan]),
        of("thumbprint", &[answer::<ThumbprintAnswer>]),
        of("provider", &[provider, plan]),
        of("flags", &[answer::<FlagsAnswer>]),
        of("bootstrap", &[bootstrap, plan]),
        of("role", &[role, plan]),
        of("rotate prepare", &[rotate, plan]),
        of("rotate activate", &[rotate]),
        of("rotate retire", &[rotate, plan]),
        of("rotate status", &[answer::<StatusAnswer>]),
        of("migrate start", &[migrate]),
        of("migrate next", &[migrate]),
        of("migrate back", &[migrate]),
        of("migrate status", &[migrate]),
        of("destroy", &[destroy, plan]),
        of(
            "apply",
            &[publish, provider, bootstrap, role, rotate, destroy],
        ),
        of("webhook", &[answer::<WebhookAnswer>]),
        of("echoer", &[answer::<EchoerAnswer>]),
        of("verify", &[answer::<VerifyAnswer>]),
        of("report", &[answer::<ReportAnswer>]),
        of("explain", &[answer::<ExplainAnswer>]),
        of("token mint", &[answer::<MintAnswer>]),
        of("token decode", &[answer::<DecodeAnswer>]),
        of("config print", &[answer::<PrintAnswer>]),
        of("emit terraform", &[answer::<TerraformAnswer>]),
    ]
}

/// The schema of a command's answer, which is one of these.
fn of(command: &'static str, answers: &[Answered]) -> (&'static str, Value) {
    let mut generator = generator();
    let mut schemas: Vec<Schema> = answers.iter().map(|one| one(&mut generator)).collect();
    let answer = match schemas.len() {
        1 => schemas.remove(0),
        _ => json_schema!({ "anyOf": schemas }),
    };
    (command, document(command, answer, generator))
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .for_serialize()
        // Formats such as uint64 are schemars' own, and strict validators refuse them.
        .with_transform(RestrictFormats::default())
        .with_transform(RecursiveTransform(without_other_members))
        .into_generator()
}

fn without_other_members(schema: &mut Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

/// An answer that is an object says its version; see [`crate::output::print`].
fn answer<A: Answer + JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let schema = generator.subschema_for::<A>();
    let name = A::schema_name();
    if let Some(definition) = generator.definitions_mut().get_mut(name.as_ref()) {
        definition["properties"]["format_version"] = json!({ "const": FORMAT_VERSION });
        if let Some(required) = definition["required"].as_array_mut() {
            required.retain(|member| member != "format_version");
            required.insert(0, json!("format_version"));
        }
    }
    schema
}

fn document(command: &str, answer: Schema, mut generator: SchemaGenerator) -> Value {
    let mut document = json_schema!({
        "$schema": generator.settings().meta_schema,
        "title": format!("irsactl {command} -o json"),
    });
    let members = answer.as_object().into_iter().flatten();
    for (name, value) in members {
        document.insert(name.clone(), value.clone());
    }
    let definitions = generator.take_definitions(true);
    document.insert("$defs".to_owned(), definitions.into());
    document.to_value()
}
