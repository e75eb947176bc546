import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { answeredAgain, type Answer, type Group, type Results } from '../../bench/results.js'
import { chartOf } from '../../bench/report/chart.js'
import { compare } from '../../bench/report/compare.js'
import { inDigits, withUnit } from '../../bench/report/numbers.js'
import { writePageOf } from '../../bench/report/page.js'
import { tablesOf } from '../../bench/report/tables.js'
import { judge, TARGETS, verdictsOf, verdictTable, type Target } from '../../bench/targets.js'
import { groupOf, resultsOf, SAMPLE, SAMPLE_QUESTIONS } from './sample-results.js'
import { problemOf } from './xml.js'

/** Results of one question, each group with exactly these times. */
function measured(groups: readonly Group[], missing: readonly string[] = []): Results {
  return resultsOf([{ question: 'small-values', groups, missing }])
}

/** A store of so many objects that is read, in such a time. */
function grown(objects: number, linkstore: number, fileSystem = 'ext4'): Group {
  return groupOf({ valueBytes: 1024, objects, fileSystem }, { linkstore }, { isSteady: true })
}

const GROWTH = TARGETS.filter(({ question }) => question === 'growth')

function reads(times: Readonly<Record<string, number>>): Group {
  return groupOf({ inFlight: 64 }, times, { isSteady: true })
}

const target: Target = {
  question: 'small-values',
  what: 'get',
  against: 'cacache',
  ours: { subjects: ['linkstore'], facts: { operation: 'get' } },
  theirs: { subjects: ['cacache'], facts: { operation: 'get' } },
  atLeast: 2,
  limit: 'It reads <twice>.',
}

await t.test('numbers have the digits that mean something', async (t) => {
  const numbers = [123_456.7, 123.4, 99.96, 12.34, 1.234, 0.1, 0.0123, 0]
  const words = ['123,457', '123', '100', '12.3', '1.23', '0.10', '0.012', '0.00']
  t.same(numbers.map(inDigits), words)
  t.equal(withUnit(250, 'µs per call'), '250 µs')
  t.equal(withUnit(250_000, 'µs per call'), '250 ms')
  t.equal(withUnit(2_500_000, 'µs per call'), '2.50 s')
  t.equal(withUnit(0.5, 'ms'), '0.50 ms')
  t.equal(withUnit(2048, 'MiB'), '2.00 GiB')
})

await t.test('a question can be answered again, on the same machine only', async (t) => {
  const [first = { question: '', groups: [], missing: [] }, ...others] = SAMPLE.answers
  const again: Answer = { ...first, missing: ['cp: lost'] }
  // Written and read, it lacks what is undefined.
  const earlier = JSON.parse(JSON.stringify(SAMPLE)) as Results
  const later: Results = { ...resultsOf([again]), versions: SAMPLE.versions }
  const { answers, options } = answeredAgain(earlier, later)
  t.same(answers, JSON.parse(JSON.stringify([again, ...others])))
  t.same(options, SAMPLE.options)
  const other: Answer = { ...first, question: 'another one' }
  const more = answeredAgain(earlier, { ...later, answers: [other] })
  t.same(more.answers.at(-1), other, 'nothing that was measured is lost')
  const machine = { ...SAMPLE.machine, cores: 64 }
  t.throws(() => answeredAgain(earlier, { ...later, machine }), /differ in machine/)
  t.throws(() => answeredAgain(earlier, { ...later, versions: {} }), RangeError)
})

await t.test('tables have every series, and say what is missing', async (t) => {
  const text = tablesOf(SAMPLE)
  const [head = ''] = text.split('\n')
  t.equal(head, '- 2026-12-01; Sample, 2 cores, 8 GiB; linux 6.1')
  t.match(text, '- node 24.0.0, linkstore 0.1.0\n', 'what is not installed has no version')
  t.match(text, '- not measured: SQLite: not part of this Node')
  t.match(text, /\| in flight +\| subject +\| µs per call +\| times linkstore +\|/)
  t.match(text, /\| 64 in flight +\| cacache +\| 210 \(204 to 223\) +\| 7\.00 \(7\.00 to 7\.00\)/)
  t.match(text, /\| one at a time \| linkstore +\| 90\.0 \(87\.3 to 95\.4\) +\| 1 +\|/)
  t.match(text, /\| 1,000,000 objects \| lmdb /)
  t.match(text, /\*\*8 processes\*\*\n\n.*\| least \| most \| acknowledged, lost \|/)
  const lines = text.split('\n').filter((line) => line.includes('| cacache '))
  const count = SAMPLE.answers.flatMap(({ groups }) => groups.flatMap(({ series }) => series))
  t.equal(lines.length, count.filter(({ subject }) => subject === 'cacache').length)
})

await t.test('a ratio of less than half of its target fails, and no other', async (t) => {
  const at = (factor: number): Results =>
    measured([reads({ linkstore: 100, cacache: factor * 100 })])
  t.ok(judge(at(2 * 0.49), 0.5, [target]).failed)
  t.notOk(judge(at(2 * 0.51), 0.5, [target]).failed)
  t.ok(judge(at(1.99), 1, [target]).failed, 'all of it is asked for')
  t.notOk(judge(at(2), 1, [target]).failed)
  t.match(judge(at(0.98), 0.5, [target]).text, /\| get +\| cacache .*\| 2\.00× .*\| no .*\| FAILED/)
})

await t.test('what was not measured fails only where that has no reason', async (t) => {
  const bare = [reads({ linkstore: 100 })]
  t.ok(judge(measured(bare), 0.5, [target]).failed)
  const excused = judge(measured(bare, ['cacache: not installed']), 0.5, [target])
  t.notOk(excused.failed)
  t.match(excused.text, 'not measured: cacache: not installed')
  t.notOk(judge(measured(bare), 1, [target]).failed, 'who asks for all knows what he measured')
  t.ok(judge(measured(bare, ['cacache2: not installed']), 0.5, [target]).failed)
  t.equal(GROWTH.length, 1)
  t.ok(judge(measured(bare), 0.5, GROWTH).failed)
  t.notOk(judge(measured(bare, ['1,000,000 objects: too long']), 0.5, GROWTH).failed, 'or a fact')
  const short = { options: { rounds: 3, isShort: true, objects: 20_000 } }
  t.notOk(judge({ ...measured(bare), ...short }, 0.5, GROWTH).failed, 'or as it was not asked for')
})

await t.test('a target may lie between groups, and is judged wherever it is found', async (t) => {
  const groups = [
    grown(1e3, 100, 'tmpfs'),
    grown(1e3, 200),
    grown(1e4, 900),
    grown(1e6, 140, 'tmpfs'),
    grown(1e6, 320),
  ]
  const results = resultsOf([{ question: 'growth', groups, missing: [] }])
  const verdicts = verdictsOf(results, GROWTH)
  t.same(
    verdicts.map(({ found, isReached }) => [found?.place, isReached]),
    [
      ['tmpfs', true],
      ['ext4', false],
    ],
  )
})

await t.test('where a target was missed, its limit is told', async (t) => {
  const missed = verdictsOf(measured([reads({ linkstore: 100, cacache: 150 })]), [target])
  t.match(verdictTable(missed).join('\n'), '- **get**, against cacache: It reads <twice>.')
  const met = verdictsOf(measured([reads({ linkstore: 100, cacache: 250 })]), [target])
  t.notMatch(verdictTable(met).join('\n'), 'It reads')
})

await t.test('two runs are compared by their ratios', async (t) => {
  const at = (linkstore: number, cacache: number): Results =>
    measured([reads({ linkstore, cacache })])
  const same = compare(at(100, 400), at(100, 400))
  t.notOk(same.isWorse)
  t.match(same.text, /^1 ratios compared: 0 worse, 0 better$/)
  t.notOk(compare(at(200, 800), at(100, 400)).isWorse, 'a slower machine is no regression')
  t.notOk(compare(at(110, 400), at(100, 400)).isWorse, 'a little is chance')
  const worse = compare(at(125, 400), at(100, 400))
  t.ok(worse.isWorse)
  t.match(worse.text, /Worse:\n\n.*\n.*\n\| linkstore \/ cacache: small-values, get, 64 in flight/)
  const better = compare(at(80, 400), at(100, 400))
  t.notOk(better.isWorse)
  t.match(better.text, '0 worse, 1 better')
})

await t.test('what is within the spread of two runs is not worse', async (t) => {
  const spread = (figures: readonly number[]): Results => {
    const [linkstore, cacache] = reads({ linkstore: 100, cacache: 400 }).series
    const ratios = figures.map((figure) => 400 / figure)
    const series = [
      { ...linkstore!, figures },
      { ...cacache!, ratios },
    ]
    return measured([{ ...reads({}), comparedWith: 'linkstore', series }])
  }
  const earlier = spread([90, 100, 100, 130, 140])
  t.notOk(compare(spread([100, 125, 125, 140, 150]), earlier).isWorse)
  t.ok(compare(spread([150, 160, 160, 170, 180]), earlier).isWorse)
})

await t.test('a comparison counts what only one of two runs has', async (t) => {
  const one = measured([reads({ linkstore: 100, cacache: 400, lmdb: 10 })])
  const other = measured([reads({ linkstore: 100, cacache: 400 })])
  t.match(compare(one, other).text, '1 ratios compared: 0 worse, 0 better; 1 are new')
  t.match(compare(other, one).text, '1 ratios compared: 0 worse, 0 better; 1 are gone')
})

await t.test('linkstore is what is watched, on whichever side of a ratio it is', async (t) => {
  const at = (sync: number, peer: number, many: number): Results => {
    const groups = [reads({ floor: 10, 'linkstore sync': sync, 'unstorage fs': peer })]
    const sizes = [grown(1e3, 100), grown(1e6, many)]
    return resultsOf([
      { question: 'small-values', groups, missing: [] },
      { question: 'growth', groups: sizes, missing: [] },
    ])
  }
  const earlier = at(12, 100, 110)
  t.notOk(compare(at(12, 200, 110), earlier).isWorse, 'others may become slower')
  t.match(compare(at(15, 100, 110), earlier).text, 'linkstore sync / floor: small-values')
  const larger = compare(at(12, 100, 150), earlier)
  t.ok(larger.isWorse)
  t.match(larger.text, 'get among 1,000,000 objects / get among 1,000: ext4')
})

await t.test('the page has each question, its chart, and who wins why', async (t) => {
  const docs = t.testdir()
  await mkdir(join(docs, 'benchmarks'))
  await writeFile(join(docs, 'benchmarks/of-before.svg'), '')
  await writePageOf(SAMPLE, docs, SAMPLE_QUESTIONS)
  const page = await readFile(join(docs, 'benchmarks.md'), 'utf8')
  const charts = SAMPLE_QUESTIONS.map(({ name }) => `${name}.svg`)
  t.same(
    await readdir(join(docs, 'benchmarks')),
    [...charts, 'read-modify-write.svg'].sort(),
    'charts of before are gone',
  )
  for (const { name, asks, explains } of SAMPLE_QUESTIONS) {
    t.match(page, `## ${asks}\n\n${explains}\n\n![${asks}](benchmarks/${name}.svg)\n`)
  }
  const joined = page.replaceAll(/\n +/g, ' ')
  t.match(joined, /- \*\*readFile\*\* is faster in 2 of 6 comparisons, .* It makes no link first\./)
  t.match(joined, /\*\*writeFile \+ rename\*\* is faster in 6 of 6 .* Why is not known\./)
  t.notMatch(joined, '**cacache** is faster')
  t.match(
    joined,
    '**unstorage fs** takes less, at best 0.97 times the memory of *linkstore* (write',
  )
  t.match(page, 'Nothing else is faster in any comparison.')
  for (const heading of ['## What was to be reached', '### On NFS', '## Experiments']) {
    t.match(page, `\n${heading}\n`)
  }
  t.match(page, '**A lock beside a file that is replaced by a rename loses changes on NFS**')
  t.notMatch(page, /undefined|NaN|\[object/)
})

await t.test('a page of a part has only what was measured', async (t) => {
  const docs = t.testdir()
  const memory = SAMPLE.answers.filter(({ question }) => question === 'memory')
  await writePageOf(resultsOf(memory), docs, SAMPLE_QUESTIONS)
  const page = await readFile(join(docs, 'benchmarks.md'), 'utf8')
  t.same(await readdir(join(docs, 'benchmarks')), ['memory.svg'])
  t.notMatch(page, 'What does it cost that a store grows?')
  t.match(page, 'It was not measured in this run.')
})

await t.test('charts are well-formed and can be read aloud', async (t) => {
  const docs = t.testdir()
  await writePageOf(SAMPLE, docs, SAMPLE_QUESTIONS)
  for (const name of await readdir(join(docs, 'benchmarks'))) {
    const svg = await readFile(join(docs, 'benchmarks', name), 'utf8')
    t.equal(problemOf(svg), undefined, `${name} is well-formed`)
    t.match(svg, /<svg [^>]*role="img" aria-labelledby="title desc"/, `${name} is an image`)
    t.match(svg, /<title id="title">[^<]+<\/title>\n<desc id="desc">[^<]+<\/desc>/)
    t.notMatch(svg, /NaN|undefined|Infinity/, `${name} has a place for everything`)
  }
  t.equal(problemOf('<svg><g></svg>'), '</svg> closes g')
})

await t.test('a chart says that its scale is logarithmic where it is', async (t) => {
  const chart = (most: number): string =>
    chartOf('Time?', { groups: [reads({ linkstore: 100, cacache: most })] }, { shows: 'ratios' })
  t.match(chart(2100), 'logarithmic scale')
  t.notMatch(chart(1900), 'logarithmic scale')
})

await t.test('a chart shows only what it is to show, within its bounds', async (t) => {
  const { groups } = SAMPLE.answers[0] as Answer
  const how = { shows: 'figures', columns: 'inFlight', only: { fileSystem: 'ext4' } } as const
  const svg = chartOf('Time & <space>?', { groups }, how)
  t.match(svg, 'In all panels: 1 KiB, ext4.')
  t.match(svg, '<title id="title">Time &amp; &lt;space&gt;?</title>')
  for (const [, x = '', width = ''] of svg.matchAll(
    /<rect x="([^"]+)" y="[^"]+" width="([^"]+)"/g,
  )) {
    if (Number(x) < 0 || Number(x) + Number(width) > 960) t.fail(`a bar from ${x}, ${width} wide`)
  }
})

await t.test('of one point there is no line, so that there are bars', async (t) => {
  const how = { shows: 'figures', along: 'objects' } as const
  const chart = (numbers: readonly number[]): string => {
    const groups = numbers.map((objects) => groupOf({ objects }, { linkstore: 90, lmdb: 3 }))
    return chartOf('Growth?', { groups }, how)
  }
  t.match(chart([1e3, 1e6]), '<path ')
  t.match(chart([1e3, 1e6]), '>10⁶</text>')
  t.notMatch(chart([1e3]), '<path ')
})
