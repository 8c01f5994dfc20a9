//! The JSON Schema of each command's answer in JSON, made from the very types that are serialised.
//!
//! They are kept under `schemas/`, a file a command. What is not an answer but a document of a form of
//! its own, such as a JWK Set or a policy, is described by its own standard.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, RestrictFormats};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};

use crate::commands::bootstrap::BootstrapAnswer;
use crate::commands::config::PrintAnswer;
use crate::commands::destroy::DestroyAnswer;
use crate::commands::echoer::EchoerAnswer;
use crate::commands::emit::TerraformAnswer;
use crate::commands::explain::ExplainAnswer;
use crate::commands::flags::FlagsAnswer;
use crate::commands::keygen::KeygenAnswer;
use crate::commands::migrate::stage::StageAnswer;
use crate::commands::provider::ProviderAnswer;
use crate::commands::publish::PublishAnswer;
use crate::commands::report::ReportAnswer;
use crate::commands::role::RoleAnswer;
use crate::commands::rotate::stage::RotateAnswer;
use crate::commands::rotate::status::StatusAnswer;
use crate::commands::thumbprint::ThumbprintAnswer;
use crate::commands::token::{DecodeAnswer, MintAnswer};
use crate::commands::verify::VerifyAnswer;
use crate::commands::webhook::WebhookAnswer;
use crate::output::plan::PlanAnswer;
use crate::output::{Answer, FORMAT_VERSION};

/// The schemas (draft 2020-12) by the command's words; a command that can make a dry run answers with
/// its plan then.
pub fn schemas() -> Vec<(&'static str, Value)> {
    let mut migrate = [
        "migrate start",
        "migrate next",
        "migrate back",
        "migrate status",
    ]
    .map(one::<StageAnswer>)
    .to_vec();
    let mut all = vec![
        one::<KeygenAnswer>("keygen"),
        with_plan::<PublishAnswer>("publish"),
        one::<ThumbprintAnswer>("thumbprint"),
        with_plan::<ProviderAnswer>("provider"),
        one::<FlagsAnswer>("flags"),
        with_plan::<BootstrapAnswer>("bootstrap"),
        with_plan::<RoleAnswer>("role"),
        with_plan::<RotateAnswer>("rotate prepare"),
        one::<RotateAnswer>("rotate activate"),
        with_plan::<RotateAnswer>("rotate retire"),
        one::<StatusAnswer>("rotate status"),
        with_plan::<DestroyAnswer>("destroy"),
        apply(),
        one::<WebhookAnswer>("webhook"),
        one::<EchoerAnswer>("echoer"),
        one::<VerifyAnswer>("verify"),
        one::<ReportAnswer>("report"),
        one::<ExplainAnswer>("explain"),
        one::<MintAnswer>("token mint"),
        one::<DecodeAnswer>("token decode"),
        one::<PrintAnswer>("config print"),
        one::<TerraformAnswer>("emit terraform"),
    ];
    all.append(&mut migrate);
    all
}

fn one<A: Answer + JsonSchema>(command: &'static str) -> (&'static str, Value) {
    let mut generator = generator();
    let answer = answer::<A>(&mut generator);
    (command, document(command, answer, generator))
}

fn with_plan<A: Answer + JsonSchema>(command: &'static str) -> (&'static str, Value) {
    let mut generator = generator();
    let answers = [
        answer::<A>(&mut generator),
        answer::<PlanAnswer>(&mut generator),
    ];
    let either = json_schema!({ "anyOf": answers });
    (command, document(command, either, generator))
}

/// The answer of the command that the plan is of.
fn apply() -> (&'static str, Value) {
    let mut generator = generator();
    let answers = [
        answer::<BootstrapAnswer>(&mut generator),
        answer::<PublishAnswer>(&mut generator),
        answer::<ProviderAnswer>(&mut generator),
        answer::<RoleAnswer>(&mut generator),
        answer::<RotateAnswer>(&mut generator),
        answer::<DestroyAnswer>(&mut generator),
    ];
    let any = json_schema!({ "anyOf": answers });
    ("apply", document("apply", any, generator))
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
