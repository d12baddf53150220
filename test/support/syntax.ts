import ts from 'typescript'
import { read } from './tree.ts'

/** Where something stands, as an editor opens it. */
export function placeOf(source: ts.SourceFile, node: ts.Node): string {
  const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
  return `${source.fileName}:${line + 1}`
}

export function parse(file: string, text = read(file)): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true, file.endsWith('.ts') ? ts.ScriptKind.TS : ts.ScriptKind.JS)
}

/** Every node of the tree, the outer before the inner. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node
  const children: ts.Node[] = []
  node.forEachChild((child) => void children.push(child))
  for (const child of children) yield* nodesOf(child)
}

/** The comments of a file, each with the line on which it begins. */
export function commentsOf(source: ts.SourceFile): { readonly line: number; readonly text: string }[] {
  const found = new Map<number, string>()
  for (const node of nodesOf(source)) {
    const ranges = [...(ts.getLeadingCommentRanges(source.text, node.pos) ?? []), ...(ts.getTrailingCommentRanges(source.text, node.end) ?? [])]
    for (const { pos, end } of ranges) found.set(pos, source.text.slice(pos, end))
  }
  return [...found].map(([pos, text]) => ({ line: source.getLineAndCharacterOfPosition(pos).line + 1, text }))
}
