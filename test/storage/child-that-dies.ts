import { openStore } from '../../src/storage/store.ts'
import { opened, settled, storeOptions } from './samples.ts'

/** A process that settles and opens turns without end, says the id of each that is on disk, and waits to be killed. */
const file = process.argv[2]
if (file === undefined) throw new Error('name a file')
const store = await openStore(storeOptions({ file }))

async function turns(lane: number): Promise<never> {
  for (;;) {
    const turn = opened({ key: `lane-${lane}` })
    await store.ledger.open(turn)
    console.log(`open ${turn.id}`)
    await store.ledger.settle(settled(turn, { owned: { ids: [`resp_${turn.id}`], account: 'main' as never } }))
    console.log(`settled ${turn.id}`)
  }
}

await Promise.all(Array.from({ length: 50 }, (_, lane) => turns(lane)))
