/** Prints what CI reads, as the very last line of the run: `N passed, N failed`, and the skipped where there are any. */
export default class CountReporter {
  #counted = null

  onInit() {
    process.on('exit', () => {
      const { passed, failed, skipped } = this.#counted ?? { passed: 0, failed: 0, skipped: 0 }
      if (passed + failed === 0) process.stdout.write('No test ran.\n')
      if (failed > 0 || passed === 0) process.exitCode ||= 1
      process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
    })
  }

  onTestRunEnd(modules, unhandledErrors) {
    const counted = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      counted.failed += module.errors().length
      for (const suite of module.children.allSuites()) counted.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        // Pending: the run was cut short before this one.
        if (state === 'passed') counted.passed++
        else if (state === 'skipped') counted.skipped++
        else counted.failed++
      }
    }
    this.#counted = counted
  }
}
