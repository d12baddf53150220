import { openStore } from '../../src/storage/store.ts'
import { opened, settled, storeOptions } from './samples.ts'

/** A process that opens turns and settles most of them, without end, says the id of each that is on disk, and waits to be killed. */
const file = process.argv[2]
if (file === undefined) throw new Error('name a file')
const store = await openStore(storeOptions({ file }))

async function turns(lane: number): Promise<never> {
  for (let n = 0; ; n++) {
    const turn = opened({ key: `lane-${lane}` })
    await store.ledger.open(turn)
    console.log(`open ${turn.id}`)
    // Some turns are long: they are still open when the end comes.
    if (n % 5 === lane % 5) continue
    await store.ledger.settle(settled(turn, { owned: { ids: [`resp_${turn.id}`], account: 'main' as never } }))
    console.log(`settled ${turn.id}`)
  }
}

await Promise.all(Array.from({ length: 50 }, (_, lane) => turns(lane)))
