import type { Dialect } from './dialect.ts'
import { responses } from './responses/responses.ts'

/** The wire formats that we speak. A new one is one folder and one line here. */
export const dialects = { responses } as const satisfies Readonly<Record<string, Dialect>>
