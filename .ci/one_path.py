#!/usr/bin/env python3
"""one_path.py FACADE.json OTHER.json...: fail when a public item can be imported from the facade by two paths.

Reads rustdoc's JSON of the facade and of the crates that it re-exports. Two paths for one type make two ways to write it, and
two places to look for its documentation.
"""

import json
import sys

NAMED = {"struct", "enum", "union", "trait", "type_alias", "trait_alias", "function", "constant", "static", "macro"}


class Crates:
    def __init__(self, docs):
        self.docs = docs
        self.paths = {}  # of an item, by the crate and the place where it is defined: how a user may write it
        self.by_place = {}
        for name, doc in docs.items():
            for ident, summary in doc["paths"].items():
                if summary["crate_id"] == 0:
                    self.by_place[tuple(summary["path"])] = (name, ident)

    def walk(self, crate, ident, path, above=()):
        """All public items below one, reached by this path."""
        if (crate, ident) in above:
            return
        item = self.docs[crate]["index"].get(ident)
        if item is None:
            return
        kind, body = next(iter(item["inner"].items()))
        if kind == "use":
            self.follow(crate, body, path, above)
        elif kind == "module":
            for child in body["items"]:
                self.child(crate, str(child), path, (*above, (crate, ident)))
        elif kind in NAMED:
            self.paths.setdefault((crate, ident), set()).add(path)

    def child(self, crate, ident, path, above):
        item = self.docs[crate]["index"].get(ident)
        if item is None or "use" in item["inner"]:
            self.walk(crate, ident, path, above)
        elif item["visibility"] == "public" or "macro" in item["inner"]:
            self.walk(crate, ident, f"{path}::{item['name']}", above)

    def follow(self, crate, use, path, above):
        """A re-export: the item that it names, in whichever of the crates that is."""
        target = self.target(crate, use["id"])
        if target is None:
            return
        if use["is_glob"]:
            owner, ident = target
            body = next(iter(self.docs[owner]["index"][ident]["inner"].values()))
            for child in body.get("items", ()):
                self.child(owner, str(child), path, (*above, target))
        else:
            self.walk(*target, f"{path}::{use['name']}", above)

    def target(self, crate, ident):
        if ident is None:
            return None
        ident = str(ident)
        if ident in self.docs[crate]["index"]:
            return crate, ident
        summary = self.docs[crate]["paths"].get(ident)
        return summary and self.by_place.get(tuple(summary["path"]))


def main(files):
    docs = {}
    for file in files:
        with open(file, encoding="utf-8") as handle:
            doc = json.load(handle)
        docs[doc["index"][str(doc["root"])]["name"]] = doc
    facade = min(docs, key=len)  # the others are named after it
    crates = Crates(docs)
    crates.walk(facade, str(docs[facade]["root"]), facade)
    twice = sorted(sorted(paths) for paths in crates.paths.values() if len(paths) > 1)
    print(f"{facade}: {len(crates.paths)} names can be imported, {len(twice)} of them by more than one path")
    for paths in twice:
        print("  " + " = ".join(paths))
    return 1 if twice or len(crates.paths) < 100 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
