"""Vendor the libraries of the console from npm, each bundled into one ES module by esbuild: `make console-libraries`.

npm verifies every package against the registry's checksum. `libraries.json` beside the bundles records the version,
licence and checksum of each package that is in one, of the bundler, and the SHA-256 of what came out;
tests/web/console/test_console_files.py verifies those. With the versions of the list unchanged the output is the same.
`make console-libraries LATEST=1` takes the newest versions.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from npm_packages import hash_files, run_npm

TARGET = Path(__file__).parents[1] / "karapace_like" / "web" / "console" / "static" / "vendored"
BUNDLER = "esbuild"
ENTRIES = {
    "preact.js": """
        import { h, render, Fragment, createContext } from "preact";
        import htm from "htm";
        export * from "preact/hooks";
        export const html = htm.bind(h);
        export { h, render, Fragment, createContext };
    """,
    "codemirror.js": """
        export { EditorState, Compartment } from "@codemirror/state";
        export { EditorView, keymap, lineNumbers, drawSelection, highlightActiveLine } from "@codemirror/view";
        export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
        export {
          HighlightStyle, StreamLanguage, bracketMatching, codeFolding, foldAll, foldGutter, foldKeymap,
          indentOnInput, syntaxHighlighting, unfoldAll,
        } from "@codemirror/language";
        export { lintGutter, setDiagnostics } from "@codemirror/lint";
        export { json } from "@codemirror/lang-json";
        export { protobuf } from "@codemirror/legacy-modes/mode/protobuf";
        export { tags } from "@lezer/highlight";
    """,
    "uplot.js": 'export { default } from "uplot";',
    "uplot.css": '@import "uplot/dist/uPlot.min.css";',
}
"""The bundles: file -> what it exports."""
PACKAGES = (
    "preact",
    "htm",
    "uplot",
    "@codemirror/state",
    "@codemirror/view",
    "@codemirror/commands",
    "@codemirror/language",
    "@codemirror/lint",
    "@codemirror/lang-json",
    "@codemirror/legacy-modes",
    "@lezer/highlight",
    BUNDLER,
)


def main() -> None:
    """Write the bundles and their list."""
    list_file = TARGET / "libraries.json"
    recorded = json.loads(list_file.read_text()) if list_file.exists() and len(sys.argv) < 2 else {"packages": {}}
    versions = {name: package["version"] for name, package in recorded["packages"].items()}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "package.json").write_text("{}")
        wanted = [f"{name}@{versions.get(name, 'latest')}" for name in dict.fromkeys((*PACKAGES, *versions))]
        run_npm("install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", *wanted, folder=folder)
        contents = {name: _bundle(folder, name, entry) for name, entry in ENTRIES.items()}
        packages = _list_packages(folder)
        contents["LICENCES.txt"] = _collect_licences(folder, packages)
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (TARGET / name).write_bytes(content)
    listed = {"bundler": BUNDLER, "packages": packages, "sha256": hash_files(contents)}
    list_file.write_text(json.dumps(listed, indent=2) + "\n")
    print("\n".join(f"{name} {package['version']}, {package['licence']}" for name, package in packages.items()))


def _bundle(folder: Path, name: str, entry: str) -> bytes:
    """Return the module that exports what the entry does, with all that it imports."""
    kind = name.rpartition(".")[2]
    options = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--legal-comments=none", f"--loader={kind}"]
    done = subprocess.run(  # noqa: S603 - as documented
        [folder / "node_modules" / ".bin" / BUNDLER, *options],
        input=entry.encode(),
        capture_output=True,
        check=True,
        cwd=folder,
    )
    return done.stdout


def _list_packages(folder: Path) -> dict[str, dict[str, str]]:
    """Return what npm has installed, apart from the bundler's binaries for each platform."""
    lock: dict[str, Any] = json.loads((folder / "package-lock.json").read_text())
    installed = {
        path.removeprefix("node_modules/"): package
        for path, package in sorted(lock["packages"].items())
        if path and not path.startswith(f"node_modules/@{BUNDLER}/")
    }
    return {
        name: {"version": package["version"], "licence": package["license"], "integrity": package["integrity"]}
        for name, package in installed.items()
    }


def _collect_licences(folder: Path, packages: dict[str, dict[str, str]]) -> bytes:
    """Return the licence texts of everything that is in the bundles."""
    texts = []
    for name, package in packages.items():
        if name == BUNDLER:
            continue
        files = sorted(
            file for file in (folder / "node_modules" / name).iterdir() if file.name.lower().startswith("licen")
        )
        if not files:
            sys.exit(f"{name} has no licence file.")
        texts.append(f"{name} {package['version']} ({package['licence']})\n\n{files[0].read_text().strip()}\n")
    return ("\n" + "-" * 80 + "\n\n").join(texts).encode()


if __name__ == "__main__":
    main()
