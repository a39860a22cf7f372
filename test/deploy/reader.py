"""Reads a CloudFormation template: YAML with the short forms (!Ref, !GetAtt, !If, ...) spelt out as their long ones.
As a program: the template on stdin, JSON on stdout. A repeated key, or an unknown tag, is an error."""
import json
import sys

import yaml

SHORT = ("GetAtt", "Sub", "If", "Equals", "Not", "And", "Or", "Join", "FindInMap", "Select", "Split", "GetAZs", "Base64", "ImportValue")


class Loader(yaml.SafeLoader):
    """Safe YAML that refuses repeated keys and reads dates as strings: templates have none."""

    def construct_mapping(self, node, deep=False):
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"given twice: {', '.join(map(str, twice))}", node.start_mark)
        return super().construct_mapping(node, deep)


def short_form(name):
    def construct(loader, node):
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
            return {name: value.split(".", 1) if name == "Fn::GetAtt" else value}
        return {name: loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else loader.construct_mapping(node, deep=True)}
    return construct


for tag in SHORT:
    Loader.add_constructor(f"!{tag}", short_form(f"Fn::{tag}"))
Loader.add_constructor("!Ref", short_form("Ref"))
Loader.add_constructor("!Condition", short_form("Condition"))
Loader.yaml_implicit_resolvers = {first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
                                  for first, found in Loader.yaml_implicit_resolvers.items()}


def read(text):
    return yaml.load(text, Loader)   # noqa: S506 (a SafeLoader)


if __name__ == "__main__":
    json.dump(read(sys.stdin.read()), sys.stdout)
