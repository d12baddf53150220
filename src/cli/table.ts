import { plain, type Colour, type Surroundings } from './surroundings.ts'

export type Cell = string | { readonly text: string; readonly colour: Colour }

/** Rows under their headings, in columns as wide as their widest cell. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], { paint }: Pick<Surroundings, 'paint'>): string {
  const texts = rows.map((row) => row.map((cell) => plain(typeof cell === 'string' ? cell : cell.text)))
  const widths = headings.map((heading, column) => Math.max(heading.length, ...texts.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[], colour: (column: number) => Colour | null): string =>
    cells
      .map((text, column) => {
        const wide = column === cells.length - 1 ? text : text.padEnd(widths[column] ?? 0)
        const painted = colour(column)
        return painted === null ? wide : paint(painted, wide)
      })
      .join('  ')
      .trimEnd()
  const body = texts.map((row, at) =>
    line(row, (column) => {
      const cell = rows[at]?.[column]
      return cell === undefined || typeof cell === 'string' ? null : cell.colour
    }),
  )
  return `${[line(headings, () => 'dim'), ...body].join('\n')}\n`
}

/** An instant, to the second. */
export function instantText(iso: string | null): string {
  return iso === null ? '-' : `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`
}
