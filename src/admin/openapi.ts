import * as z from 'zod'
import { contract, problemShape, type Contract } from './contract.ts'

/** The admin API as an OpenAPI document, made from the shapes that the API itself reads and answers with. */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [name, endpoint] of Object.entries(contract)) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(name, endpoint) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Turnout admin API', version: '1' },
    security: [{ admin: [] }],
    components: { securitySchemes: { admin: { type: 'http', scheme: 'bearer' } } },
    paths,
  }
}

function operation(name: string, endpoint: Contract): object {
  const { body, answer, makes } = endpoint
  return {
    operationId: name,
    summary: endpoint.says,
    parameters: [...pathParameters(endpoint), ...headerParameters(endpoint), ...queryParameters(endpoint)],
    ...(body === null ? {} : { requestBody: { required: true, content: json(schemaOf(body, 'input')) } }),
    responses: {
      ...(answer === null
        ? { 204: { description: 'Done.' } }
        : { [makes === undefined ? 200 : 201]: { description: 'The answer.', content: json(schemaOf(answer, 'output')) } }),
      default: { description: 'What is wrong.', content: json(schemaOf(problemShape, 'output')) },
    },
  }
}

function pathParameters({ path }: Contract): readonly object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
}

function headerParameters({ effect }: Contract): readonly object[] {
  return effect === 'guarded change' ? [{ name: 'if-match', in: 'header', required: true, schema: { type: 'string' } }] : []
}

function queryParameters({ query }: Contract): readonly object[] {
  if (query === null) return []
  const { properties } = schemaOf(query, 'input') as { readonly properties?: Readonly<Record<string, object>> }
  return Object.entries(properties ?? {}).map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
}

function schemaOf(shape: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io, reused: 'inline' })
  return schema
}

function json(schema: object): object {
  return { 'application/json': { schema } }
}
