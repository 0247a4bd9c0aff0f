"""Compiles pydrop's modules for the one file, without what no start asks for: docstrings, types, nested names."""

import ast
from types import CodeType


def lean(sources: str, path: str) -> CodeType:
    """Without docstrings and types; named as it lies in the package folder, where a traceback finds its lines."""
    with open(path, encoding="utf-8") as file:
        tree = WithoutTypes().visit(ast.parse(file.read()))
    return plain(compile(tree, path[len(sources) + 1 :], "exec", dont_inherit=True, optimize=2))


def plain(code: CodeType) -> CodeType:
    """Without the name that says where a function is nested: another string to read for each, that nobody asks for."""
    inner = tuple(plain(const) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_consts=inner, co_qualname=code.co_name)


class WithoutTypes(ast.NodeTransformer):
    """Takes out the types of arguments and results, and what is imported for them alone, and empties those of fields;
    Python would work them out."""

    def visit_If(self, node: ast.If) -> "ast.If | list[ast.stmt]":
        self.generic_visit(node)
        return node.orelse if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        self.generic_visit(node)
        node.annotation = ast.copy_location(ast.Constant(value=""), node.annotation)
        return node
