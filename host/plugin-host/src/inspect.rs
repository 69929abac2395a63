//! What can be said of a component before anything of it is compiled.

use planwright_domain::plugin::Digest;
use wasmparser::{Encoding, Parser, Payload};

use crate::{Hook, Limits, PluginError, wasi};

/// What an upload is, as far as its bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The one hook that it is built for.
    pub hook: Hook,
    /// What it imports, all of it within what a plugin gets.
    pub imports: Vec<String>,
}

/// The names on a component's outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) imports: Vec<String>,
    exports: Vec<String>,
}

/// Reads a component's imports and exports, and refuses what cannot become a plugin: what is no component,
/// and what imports anything that no plugin gets. `subject` is what to call it.
pub(crate) fn inspect(
    subject: &str,
    component: &[u8],
    limits: &Limits,
) -> Result<Outside, PluginError> {
    if component.len() > limits.component_bytes {
        let (size, most) = (component.len(), limits.component_bytes);
        return Err(not_a_component(
            subject,
            &format!("it has {size} bytes, and a plugin has at most {most}"),
        ));
    }
    if !component.starts_with(b"\0asm") {
        return Err(not_a_component(subject, "it does not begin as WebAssembly does"));
    }
    let outside = read(subject, component)?;
    match outside.imports.iter().find(|name| !wasi::allows(name)) {
        None => Ok(outside),
        Some(import) => {
            Err(PluginError::ForbiddenImport { plugin: subject.to_owned(), import: import.clone() })
        }
    }
}

impl Outside {
    /// Whether it exports the interfaces that `hook` calls; whether their functions fit is seen when it is
    /// linked.
    pub(crate) fn check(&self, subject: &str, hook: Hook) -> Result<(), PluginError> {
        for interface in ["about", hook.as_str()] {
            let name = format!("planwright:plugin/{interface}");
            let versioned = format!("{name}@0.1.0");
            if self.exports.contains(&versioned) {
                continue;
            }
            let missing = match self
                .exports
                .iter()
                .find(|export| export.split_once('@').map(|(name, _)| name) == Some(name.as_str()))
            {
                Some(other) => format!("it exports '{other}' where the host needs '{versioned}'"),
                None => format!("it does not export '{versioned}'"),
            };
            return Err(PluginError::WrongWorld { plugin: subject.to_owned(), hook, missing });
        }
        Ok(())
    }

    /// The one hook whose interface it exports, in whatever version.
    pub(crate) fn hook(&self, subject: &str) -> Result<Hook, PluginError> {
        let exports = |hook: &Hook| {
            let name = format!("planwright:plugin/{hook}");
            self.exports.iter().any(|export| export.split('@').next() == Some(name.as_str()))
        };
        let found: Vec<Hook> = Hook::ALL.into_iter().filter(exports).collect();
        match found[..] {
            [hook] => Ok(hook),
            [] => {
                let worlds = Hook::ALL.map(Hook::world).join(", ");
                let reason = format!(
                    "it exports none of the interfaces that a hook calls. Build it for one of the worlds of \
                     planwright:plugin@0.1.0: {worlds}."
                );
                Err(PluginError::NoHook { plugin: subject.to_owned(), reason })
            }
            [..] => {
                let names: Vec<&str> = found.into_iter().map(Hook::as_str).collect();
                let names = names.join(", ");
                let reason = format!(
                    "it exports the interfaces of several hooks ({names}), and a plugin is for one. Build a \
                     component for each."
                );
                Err(PluginError::NoHook { plugin: subject.to_owned(), reason })
            }
        }
    }
}

fn read(subject: &str, component: &[u8]) -> Result<Outside, PluginError> {
    let mut depth = 0_u32;
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let broken =
        |error: wasmparser::BinaryReaderError| not_a_component(subject, &error.to_string());
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(broken)? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding == Encoding::Module {
                    let what = "it is a core module. Build it for the target wasm32-wasip2";
                    return Err(not_a_component(subject, what));
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            // Deeper ones are between the parts of the component and no business of the host.
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export.map_err(broken)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(Outside { imports, exports })
}

fn not_a_component(subject: &str, reason: &str) -> PluginError {
    PluginError::NotAComponent { plugin: subject.to_owned(), reason: format!("{reason}.") }
}
