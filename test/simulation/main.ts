import { simulate } from './simulation.ts'
const [,, seed, turns] = process.argv
const t = performance.now()
const r = await simulate({ seed: Number(seed), firstTurn: 0, turns: Number(turns) })
const s = (performance.now() - t) / 1000
console.log(r.tally, `${(r.tally.turns / s).toFixed(0)} turns/s`, 'events', r.tally.events, r.checked)
if (r.violation) console.log(r.violation.invariant, r.violation.turn, r.violation.detail + '\n' + r.violation.trace)
