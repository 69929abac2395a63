//! What can be said of a component before anything of it is compiled.

use wasmparser::{Encoding, Parser, Payload};

use crate::{Hook, Limits, PluginError, wasi};

/// The names on a component's outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inspection {
    pub(crate) imports: Vec<String>,
    exports: Vec<String>,
}

/// Reads a component's imports and exports, and refuses what cannot become a plugin: what is no component,
/// and what imports anything that no plugin gets. `subject` is what to call it.
pub(crate) fn inspect(
    subject: &str,
    component: &[u8],
    limits: &Limits,
) -> Result<Inspection, PluginError> {
    if component.len() > limits.component_bytes {
        let (size, most) = (component.len(), limits.component_bytes);
        return Err(not_a_component(
            subject,
            &format!("it has {size} bytes, and a plugin has at most {most}"),
        ));
    }
    let inspection = read(subject, component)?;
    match inspection.imports.iter().find(|name| !wasi::allows(name)) {
        None => Ok(inspection),
        Some(import) => {
            Err(PluginError::ForbiddenImport { plugin: subject.to_owned(), import: import.clone() })
        }
    }
}

impl Inspection {
    /// Whether it exports the interfaces that `hook` calls; whether their functions fit is seen when it is
    /// linked.
    pub(crate) fn check(&self, subject: &str, hook: Hook) -> Result<(), PluginError> {
        for interface in ["about", hook.interface()] {
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
}

fn read(subject: &str, component: &[u8]) -> Result<Inspection, PluginError> {
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
    Ok(Inspection { imports, exports })
}

fn not_a_component(subject: &str, reason: &str) -> PluginError {
    PluginError::NotAComponent { plugin: subject.to_owned(), reason: format!("{reason}.") }
}
