#!/usr/bin/env python3
"""public_api.py FILE.json...: fail when a public signature names a type of a crate that is not allowed.

Reads rustdoc's JSON. A public item is what a user can reach from the crate's root: this walks modules, re-exports, fields,
variants, traits and impls, collects every path in their signatures and looks up the crate that each one comes from.
A major release of an allowed crate is a major release of ours, so the list is short; a type outside it must be wrapped.
"""

import json
import sys

OURS = {f"camunda_backup{part}" for part in ("", "_core", "_es", "_zeebe", "_procedures")}
WHOLE_CRATES = {"std", "core", "alloc", "url", "http", "bytes", "serde", "serde_core"} | OURS
# Only these items of a crate.
SINGLE_ITEMS = {"serde_json": {"Value", "Map"}, "futures_core": {"Stream"}}
# Below a module `testing`, which is outside semver, these too.
TESTING_CRATES = {"tokio"}


class Crate:
    def __init__(self, doc):
        self.index, self.paths = doc["index"], doc["paths"]
        self.crates = {int(number): crate["name"] for number, crate in doc["external_crates"].items()}
        self.name = self.index[str(doc["root"])]["name"]
        self.crates[0] = self.name
        self.seen, self.offences, self.checked = set(), set(), 0
        self.implementations = []  # of our traits; last, so that an impl is named after its type where it can be
        self.item(doc["root"], self.name)
        for trait, idents in self.implementations:
            self.items(idents, trait)

    def item(self, ident, where):
        """Check an item and all that can be reached through it; `where` is how a user writes its path."""
        item = self.index.get(str(ident))
        if item is None or ident in self.seen:
            return
        self.seen.add(ident)
        self.checked += 1
        kind, body = next(iter(item["inner"].items()))
        if kind == "use":
            self.reexport(body, where)
        elif kind == "impl":
            if body["is_synthetic"] or body["blanket_impl"]:
                return  # `impl Send`, `impl<T> From<T>`: nobody here wrote them
            self.signature(body, f"{where} (impl {(body['trait'] or {}).get('path', 'inherent')})")
            self.items(body["items"], where)
        else:
            path = where if kind == "module" and body["is_crate"] else f"{where}::{item['name']}"
            self.signature(body, path)
            self.items(children(kind, body), path)
            if kind == "trait":
                self.implementations.append((path, body["implementations"]))

    def items(self, idents, where):
        for ident in idents:
            self.item(ident, where)

    def reexport(self, use, where):
        target = str(use["id"])
        if target in self.index and use["is_glob"]:
            kind, body = next(iter(self.index[target]["inner"].items()))
            self.seen.add(use["id"])
            self.items(children(kind, body), where)
        elif target in self.index:
            self.item(use["id"], where)
        elif use["id"] is not None:
            self.path({"id": use["id"], "path": use["source"]}, f"{where} (pub use)")

    def signature(self, node, where):
        """Every path inside a signature, however deep: types, bounds, defaults and associated types."""
        if isinstance(node, list):
            for child in node:
                self.signature(child, where)
        elif isinstance(node, dict):
            if "id" in node and "path" in node:
                self.path(node, where)
            self.signature(list(node.values()), where)

    def path(self, path, where):
        summary = self.paths.get(str(path["id"]))
        if summary is None:
            if str(path["id"]) not in self.index:
                self.offences.add((where, f"{path['path']} (rustdoc does not say where it comes from)"))
            return
        crate, name = self.crates[summary["crate_id"]], summary["path"][-1]
        testing = "testing" in where.split("::")[:-1] and crate in TESTING_CRATES
        if crate not in WHOLE_CRATES and name not in SINGLE_ITEMS.get(crate, ()) and not testing:
            self.offences.add((where, "::".join(summary["path"])))


def children(kind, body):
    """The ids of what belongs to an item."""
    found = list(body.get("items", ())) if isinstance(body, dict) else []
    if kind in ("struct", "union", "enum"):
        found += body["impls"] + body.get("variants", []) + body.get("fields", [])
    if kind in ("struct", "variant"):
        shape = body["kind"]
        if isinstance(shape, dict):
            found += shape.get("plain", shape.get("struct", {})).get("fields", []) + shape.get("tuple", [])
    return [ident for ident in found if ident is not None]


def main(files):
    failed = False
    for file in files:
        with open(file, encoding="utf-8") as handle:
            crate = Crate(json.load(handle))
        print(f"{crate.name}: {crate.checked} public items, {len(crate.offences)} foreign types that are not allowed")
        for where, what in sorted(crate.offences):
            print(f"  {where} names {what}")
        failed |= bool(crate.offences) or crate.checked < 2
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
