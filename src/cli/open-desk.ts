import type { Desk } from './desk.ts'
import { findPlace, type Place } from './place.ts'
import type { CommonOptions, Failed, Surroundings } from './surroundings.ts'

/** Asks the gateway where one serves this data, else its store. The desk is closed whatever comes of it. */
export async function atDesk<T>(options: CommonOptions, surroundings: Surroundings, ask: (desk: Desk) => Promise<T | Failed>): Promise<T | Failed> {
  const desk = await openDesk(options, surroundings)
  if (desk.kind === 'failed') return desk
  try {
    return await ask(desk)
  } finally {
    await desk.close()
  }
}

async function openDesk(options: CommonOptions, surroundings: Surroundings): Promise<Desk | Failed> {
  const place = findPlace(options, surroundings)
  if (place.kind === 'failed') return place
  const served = await servedDesk(place)
  if (served !== null) return served
  const { openClosedDesk } = await import('./closed-desk.ts')
  return openClosedDesk(place, surroundings)
}

/** Null: nobody serves. A process that only has the number of one that did is not asked. */
async function servedDesk(place: Place): Promise<Desk | Failed | null> {
  if (place.serving === null) return null
  const { answersAt, openServedDesk } = await import('./served-desk.ts')
  return (await answersAt(place.serving.url)) === 'nobody' ? null : openServedDesk(place, place.serving)
}
