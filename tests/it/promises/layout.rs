//! The house rules that a compiler does not check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use syn::visit::Visit;

/// The tower: a room imports those below it, as src/lib.rs draws them. Rooms that are on one floor do not import each
/// other.
const MAY_IMPORT: [(&str, &[&str]); 17] = [
    ("error", &[]),
    ("oidc", &[]),
    ("iam", &[]),
    ("system", &["error"]),
    ("plan", PURE),
    ("cluster", PURE),
    ("verify", &["plan", "iam", "oidc", "error"]),
    ("aws", &["plan", "iam", "oidc", "error"]),
    ("output", &["verify", "plan", "iam", "oidc", "error"]),
    ("probe", &["output", "plan", "iam", "oidc", "error"]),
    ("config", BELOW_CONFIG),
    ("converge", BELOW_CONVERGE),
    ("keys", BELOW_CONVERGE),
    ("inspect", BELOW_INSPECT),
    ("commands", BELOW_COMMANDS),
    ("cli", BELOW_CLI),
    ("schemas", BELOW_CLI),
];
const PURE: &[&str] = &["iam", "oidc", "error"];
const BELOW_CONFIG: &[&str] = &[
    "probe", "output", "aws", "system", "verify", "cluster", "plan", "iam", "oidc", "error",
];
const BELOW_CONVERGE: &[&str] = &[
    "config", "probe", "output", "aws", "system", "verify", "cluster", "plan", "iam", "oidc",
    "error",
];
const BELOW_INSPECT: &[&str] = &[
    "converge", "keys", "config", "probe", "output", "aws", "system", "verify", "cluster", "plan",
    "iam", "oidc", "error",
];
const BELOW_COMMANDS: &[&str] = &[
    "inspect", "converge", "keys", "config", "probe", "output", "aws", "system", "verify",
    "cluster", "plan", "iam", "oidc", "error",
];
const BELOW_CLI: &[&str] = &[
    "commands", "inspect", "converge", "keys", "config", "probe", "output", "aws", "system",
    "verify", "cluster", "plan", "iam", "oidc", "error",
];

/// A module, as `["keys", "store"]`.
type Module = Vec<String>;

/// The files of src/, by the modules that they are.
static SOURCES: LazyLock<BTreeMap<Module, PathBuf>> = LazyLock::new(|| {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let modules = files.into_iter().map(|file| {
        let path = file.strip_prefix(&src).unwrap().with_extension("");
        let parts = path.components();
        let mut module: Module = parts
            .map(|part| part.as_os_str().to_str().unwrap().to_owned())
            .collect();
        module.pop_if(|last| last == "mod");
        (module, file)
    });
    modules.collect()
});

fn parsed(file: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false => found.push(path),
        }
    }
}

/// Every path of ours that a file names, in `use` and elsewhere; not those of its unit tests.
struct Imports<'a> {
    module: &'a Module,
    found: BTreeSet<Module>,
}

impl Imports<'_> {
    fn of(module: &Module, file: &Path) -> BTreeSet<Module> {
        let found = BTreeSet::new();
        let mut imports = Imports { module, found };
        imports.visit_file(&parsed(file));
        imports.found.remove(module);
        imports.found
    }

    /// The file that has what a path names: the longest part of it that is a module.
    fn add(&mut self, path: &[String]) {
        let mut absolute = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self") => self.module.clone(),
            Some("super") => self.module[..self.module.len() - 1].to_vec(),
            Some(first) if SOURCES.contains_key(&joined(self.module, first)) => {
                joined(self.module, first)
            }
            _ => return,
        };
        for part in &path[1..] {
            match part.as_str() {
                "super" => drop(absolute.pop()),
                part => absolute.push(part.to_owned()),
            }
        }
        while !absolute.is_empty() && !SOURCES.contains_key(&absolute) {
            absolute.pop();
        }
        if !absolute.is_empty() {
            self.found.insert(absolute);
        }
    }

    fn add_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                self.add_tree(&joined(before, &path.ident.to_string()), &path.tree);
            }
            syn::UseTree::Group(group) => {
                group
                    .items
                    .iter()
                    .for_each(|item| self.add_tree(before, item));
            }
            syn::UseTree::Name(name) if name.ident == "self" => self.add(before),
            syn::UseTree::Name(name) => self.add(&joined(before, &name.ident.to_string())),
            syn::UseTree::Rename(name) => self.add(&joined(before, &name.ident.to_string())),
            syn::UseTree::Glob(_) => self.add(before),
        }
    }
}

fn joined(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        if parts.len() > 1 {
            self.add(&parts);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }
}

/// What each file imports. A parent names its children to declare them and to give their names on; that is no import.
static IMPORTS: LazyLock<BTreeMap<&Module, BTreeSet<Module>>> = LazyLock::new(|| {
    let files = SOURCES.iter();
    let code = files.filter(|(module, _)| module.last().is_none_or(|last| last != "tests"));
    code.map(|(module, file)| (module, Imports::of(module, file)))
        .collect()
});

#[test]
fn imports_point_down() {
    let mut seen = 0;
    for (module, imports) in IMPORTS.iter() {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module[0]) else {
            assert!(
                ["lib", "main"].contains(&module[0].as_str()),
                "{} is no room",
                module[0]
            );
            continue;
        };
        for import in imports.iter().filter(|import| import[0] != module[0]) {
            assert!(
                allowed.contains(&import[0].as_str()),
                "{} must not import {}",
                module.join("::"),
                import.join("::")
            );
            seen += 1;
        }
    }
    assert!(seen > 500, "only {seen} imports were looked at");
}

/// "A subcommand a file": what two of them share lies below.
#[test]
fn no_subcommand_imports_another() {
    for (module, imports) in IMPORTS.iter().filter(|(module, _)| module[0] == "commands") {
        let is_another = |import: &&Module| {
            import[0] == "commands"
                && import.len() > 1
                && module.len() > 1
                && import[1] != module[1]
        };
        let another = imports.iter().find(is_another);
        assert!(
            another.is_none(),
            "{} imports {another:?}",
            module.join("::")
        );
    }
    let help = Command::new(env!("CARGO_BIN_EXE_irsactl"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let words: BTreeSet<&str> = words.collect();
    for module in SOURCES
        .keys()
        .filter(|module| module[0] == "commands" && module.len() > 1)
    {
        assert!(
            words.contains(module[1].as_str()),
            "{} is no subcommand",
            module[1]
        );
    }
}

/// By a walk that comes back to where it was.
#[test]
fn no_files_import_each_other_in_a_circle() {
    fn walk<'a>(at: &'a Module, way: &mut Vec<&'a Module>, done: &mut BTreeSet<&'a Module>) {
        if let Some(start) = way.iter().position(|one| *one == at) {
            let circle: Vec<String> = way[start..].iter().map(|one| one.join("::")).collect();
            panic!("a circle: {}", circle.join(" -> "));
        }
        if !done.insert(at) {
            return;
        }
        way.push(at);
        for import in IMPORTS.get(at).into_iter().flatten() {
            walk(import, way, done);
        }
        way.pop();
    }
    let mut done = BTreeSet::new();
    for module in IMPORTS.keys() {
        walk(module, &mut Vec::new(), &mut done);
    }
}

/// Functions that are still longer than 80 lines, and how long they are. None joins them.
const LONG: [(&str, usize); 6] = [
    ("aws::bucket::make", 95),
    ("commands::bootstrap::run", 83),
    ("inspect::look", 94),
    ("output::terraform::bucket", 83),
    ("verify::discovery::check", 87),
    (
        "verify::roles::tests::each_hole_and_each_slip_is_named",
        113,
    ),
];

/// A file is read in one sitting, a function without scrolling.
#[test]
fn files_and_functions_are_short() {
    struct Lengths(Vec<(String, usize)>);
    impl Lengths {
        fn add(&mut self, name: &syn::Ident, block: &syn::Block) {
            let span = block.brace_token.span;
            let lines = span.close().end().line - span.open().start().line + 1;
            self.0.push((name.to_string(), lines));
        }
    }
    impl<'ast> Visit<'ast> for Lengths {
        fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
            self.add(&function.sig.ident, &function.block);
        }

        fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
            self.add(&function.sig.ident, &function.block);
        }
    }
    let mut long = Vec::new();
    for (module, file) in SOURCES.iter() {
        let mut lengths = Lengths(Vec::new());
        lengths.visit_file(&parsed(file));
        let functions = lengths.0.into_iter().filter(|(_, lines)| *lines > 80);
        let named =
            functions.map(|(name, lines)| (format!("{}::{name}", module.join("::")), lines));
        let is_known = |(name, lines): &(String, usize)| {
            LONG.iter().any(|(one, most)| one == name && lines <= most)
        };
        long.extend(named.filter(|one| !is_known(one)));
    }
    assert!(long.is_empty(), "{long:#?}");
    for file in SOURCES.values() {
        let lines = fs::read_to_string(file).unwrap().lines().count();
        assert!(lines <= 350, "{}: {lines} lines", file.display());
    }
}

#[test]
fn sha_1_lives_in_one_file_and_the_rsa_crate_meets_no_private_key() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(
            text.contains("use sha1::"),
            file.ends_with("iam/thumbprint.rs"),
            "{}",
            file.display()
        );
        assert!(!text.contains("rsa::RsaPrivateKey"), "{}", file.display());
    }
}

#[test]
fn there_is_one_tls_stack_and_one_http_stack() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--offline",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let output = tree
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:#?}");
    let packages: BTreeSet<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect();
    let count = |name: &str| {
        packages
            .iter()
            .filter(|package| package.starts_with(&format!("{name} v")))
            .count()
    };
    assert_eq!(
        (
            count("rustls"),
            count("hyper"),
            count("aws-lc-rs"),
            count("ring")
        ),
        (1, 1, 1, 0)
    );
}

/// SECURITY.md, "The signing key": `.cargo/config.toml` reaches the build of AWS-LC.
#[test]
fn the_generator_is_seeded_without_cpu_jitter() {
    let has = |symbol: &str| {
        let mut grep = Command::new("grep");
        grep.args(["-aq", symbol, env!("CARGO_BIN_EXE_irsactl")]);
        grep.status().unwrap().success()
    };
    // Of AWS-LC, crypto/fipsmodule/rand/entropy: there are symbols to be found at all.
    assert!(has("opt_out_cpu_jitter"));
    assert!(!has("jent_"));
}
