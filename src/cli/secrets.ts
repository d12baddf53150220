import { atDesk } from './open-desk.ts'
import { giveUp, printJson, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'

/** `turnout secrets rotate`: exits 1 where something stored cannot be opened any more. */
export async function rotateSecrets(options: CommonOptions, surroundings: Surroundings): Promise<ExitCode> {
  const told = await atDesk(options, surroundings, (desk) => desk.ask('rotateSecrets'))
  if (told.kind === 'failed') return giveUp(told, surroundings)
  const { sealed, unreadable, left } = told.body
  if (options.json === true) printJson(told.body, surroundings)
  else surroundings.out(`${sealed === 1 ? '1 stored credential is' : `${sealed} stored credentials are`} sealed under the newest key.\n`)
  if (left !== null) surroundings.err(`${left}.\n`)
  if (unreadable.length > 0) surroundings.err(`No key opens what is stored for ${unreadable.join(', ')}: sign in again and import it.\n`)
  return unreadable.length > 0 ? 1 : 0
}
