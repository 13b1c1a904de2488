//! Scripts that check what comes out of a log, for those who run none of our software. Each stands alone, in one file.

/// What receipts and checkpoints prove.
const PROOF: &str = include_str!("proof.py");
/// How a script says that it needs that. In this tree it is found by `PYTHONPATH`.
const NEEDS: &str = "from proof import ";

/// The script with what it needs in the place of the line that imports it.
pub fn alone(script: &str) -> String {
    let lines = script.split_inclusive('\n');
    lines.map(|line| if line.starts_with(NEEDS) { PROOF } else { line }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_stands_alone() {
        let whole = alone("import os\nfrom proof import b64\nprint(b64)\n");
        assert_eq!(whole, format!("import os\n{PROOF}print(b64)\n"));
        assert!(!whole.contains(NEEDS));
    }
}
