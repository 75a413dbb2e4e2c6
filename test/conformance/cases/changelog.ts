import { remakeTopic } from '../../support/chain/remakeTopic.ts'
import { truncateChangelog } from '../../support/chain/truncateChangelog.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'
import { expectOneLine, expectUntouched, failedWith, keepOffsets, others } from './topics.ts'

const changelogTruncated: ConformanceCase = {
  row: 'restore',
  name: 'the changelog was truncated up to the checkpoint: the local store goes on, and says what it is worth',
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(20, 20)
      await run.expectExact()
      await first.stop()
      // The last offset is the marker of the last commit, which the checkpoint does not count.
      const end = (await run.ends(run.topics.changelog)).get(0) ?? 0
      await truncateChangelog(run, new Map([[0, end - 1]]))
      faults.add('changelog records deleted')
      const worker = run.start()
      await run.write(10)
      await run.expectExact()
      await expectOneLine(worker, 'CHANGELOG_CUT')
      await run.stopAll()
    }),
}

const beginningLost: ConformanceCase = {
  row: 'restore',
  name: 'the changelog lost its beginning, no local store: CHANGELOG_LOST, never a part of the state; a moved offset accepts it',
  timeoutMs: 150_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(10)
      await run.expectExact()
      await first.stop()
      const before = await run.ends(run.topics.output)
      await truncateChangelog(run, new Map([[0, 5]]))
      faults.add('first changelog records deleted')
      const cold = run.start({ stateDirectory: run.otherDirectory('cold') })
      await run.until(30_000, 'partition 0 stops', () => failedWith(cold, 'CHANGELOG_LOST').includes(0))
      await run.untilRunning(30_000, run.partitions - 1)
      await run.write(4)
      await run.expectExact(30_000, others(run))
      await expectOneLine(cold, 'CHANGELOG_LOST')
      await cold.stop()
      await expectUntouched(run, before, [0])
      // Where the store is whole the partition goes on, exact.
      const warm = run.start()
      await run.write(4)
      await run.expectExact()
      await warm.stop()

      await keepOffsets(run)
      faults.add('offset moved by hand to where it was', run.partitions)
      const accepting = run.start({ stateDirectory: run.otherDirectory('accepting') })
      await run.untilRunning()
      await run.write(2)
      await run.untilInputDone()
      await accepting.stop()
      // The decision stands in every commit since: it is not asked for again.
      run.start({ stateDirectory: run.otherDirectory('later') })
      await run.untilRunning()
      await run.write(1)
      // What is gone was written again since, all of it: so the accepted rest must be the whole.
      await run.expectExact(40_000)
      await run.stopAll()
    }),
}

const changelogMadeAnew: ConformanceCase = {
  row: 'restore',
  name: 'the changelog is created anew, before a start and under running tasks: CHANGELOG_LOST, never an empty state',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const first = run.start()
      await run.write(8)
      await run.expectExact()
      await remakeTopic(run, run.topics.changelog, 'compact')
      faults.add('changelog created anew under running tasks', run.partitions)
      await run.write(2)
      await run.until(60_000, 'all stop', () => failedWith(first, 'CHANGELOG_LOST').length === run.partitions)
      await first.stop()
      const before = await run.ends(run.topics.output)
      const cold = run.start({ stateDirectory: run.otherDirectory('cold') })
      await run.until(30_000, 'all stop', () => failedWith(cold, 'CHANGELOG_LOST').length === run.partitions)
      await run.stopAll()
      await expectUntouched(run, before, before.keys())
    }),
}

/** The changelog has lost something: where nothing else has it, nothing may be made of the rest. */
export const changelogCases: readonly ConformanceCase[] = [changelogTruncated, beginningLost, changelogMadeAnew]
