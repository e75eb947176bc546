import t from 'tap'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { openSync } from '../../index.js'
import { judgeUses, limitText, USES } from '../../lib/cli/bench/uses.js'
import { MEASUREMENTS, type Measurements } from '../../lib/cli/bench/measurements.js'
import { LABELS } from '../../lib/cli/bench/view.js'
import { lasting } from '../../lib/cli/figures.js'
import { Pace } from '../../lib/cli/pace.js'
import { isSettledObject } from '../../lib/cli/tree/sameness.js'
import { MAIN, start, type Outcome } from './command.js'
import { eachCase, fill, leftovers, scratch, until } from './scratch.js'
import { startOnTerminal, WITHOUT_TERMINAL } from './terminal.js'

const OBJECTS = 1500
const CLEAR_LINE = '\r\u001b[K'

/** Runs a line of shell on a terminal, and tells what it shows. */
function onTerminal(
  line: string,
  env: NodeJS.ProcessEnv,
  onOutput?: (text: string, press: (keys: string) => void) => void,
): Promise<Outcome> {
  const { child, ended } = startOnTerminal(line, { env, timeoutMs: 120_000 })
  let text = ''
  child.stdout?.on('data', (piece: Buffer) => {
    text += piece.toString()
    onOutput?.(text, (keys) => void child.stdin?.write(keys))
  })
  return ended.finally(() => child.stdin?.end())
}

function growTree(tree: string, count = OBJECTS): void {
  for (let i = 0; i < count; i += 1) {
    const path = join(tree, `file-${i}`)
    fs.writeFileSync(path, `content ${i}`)
    fs.utimesSync(path, 1_500_000_000, 1_500_000_000)
  }
}

function fillMany(store: string): void {
  const keys = Array.from({ length: OBJECTS }, (_, i) => [`file-${i}`, `content ${i}`])
  fill(store, Object.fromEntries(keys) as Record<string, string>)
}

await t.test('time left is judged by the last seconds', async (t) => {
  const pace = new Pace()
  pace.add(0, { fraction: 0, objects: 0, bytes: 0 })
  pace.add(500, { fraction: 0.1, objects: 10, bytes: 1000 })
  t.match(pace.rates(), { leftMs: undefined }, 'too early for a guess')
  for (let s = 1; s <= 20; s += 0.1) {
    pace.add(s * 1000, { fraction: s / 100, objects: s * 10, bytes: s * 1000 })
  }
  const { leftMs = 0, objectsPerSecond = 0, bytesPerSecond = 0 } = pace.rates()
  t.ok(Math.abs(leftMs - 80_000) < 1000, `${leftMs}`)
  t.ok(Math.abs(objectsPerSecond - 10) < 0.1)
  t.ok(Math.abs(bytesPerSecond - 1000) < 10)
  for (let s = 20; s <= 45; s += 0.1) pace.add(s * 1000, { fraction: 0.2 + (s - 20) / 1000 })
  t.ok(Math.abs((pace.rates().leftMs ?? 0) - 775_000) < 20_000, 'what was quicker is forgotten')
  t.equal(pace.rates().objectsPerSecond, undefined)
  t.same([200, 59_400, 61_000, 7_500_000].map(lasting), [
    '1 s',
    '1 min 0 s',
    '1 min 1 s',
    '2 h 5 min',
  ])
})

const skip = WITHOUT_TERMINAL

await t.test('a bar with rate and time left is drawn on a terminal', { skip }, async (t) => {
  const { tree, store, run } = scratch(t, { tree: {} })
  growTree(tree)
  let firstAtMs: number | undefined
  const { status, stdout } = await onTerminal(`linkstore -d ${store} import ${tree}`, {}, () => {
    firstAtMs ??= Date.now()
  })
  const tookS = (Date.now() - firstAtMs!) / 1000
  t.equal(status, 0)
  const text = stdout.toString()
  const draws = text.split(CLEAR_LINE).slice(1)
  t.match(draws[0], /^importing \[#*-+\] +\d+ % [\d,]+ of 1,500, /)
  t.ok(draws.length < tookS * 10 + 20, `${draws.length} draws in ${tookS} s`)
  t.match(draws.at(-1), /^linkstore: imported 1,500 files, /, 'it is taken away at the end')
  const lefts = [...text.matchAll(/, (\d+) s left, [\d,.]+\/s/g)].map(([, s]) => Number(s))
  t.ok(tookS < 3 || lefts.length > 0, `${lefts.length} guesses in ${tookS} s`)
  t.ok(
    lefts.every((seconds) => seconds <= tookS * 5 + 5),
    `${lefts.join(' ')} of ${tookS}`,
  )

  for (const word of ['verify', 'sweep --max-objects 9999', 'count']) {
    const shown = await onTerminal(`linkstore -d ${store} ${word}`, {})
    t.match(shown.stdout.toString(), /ing \[[#-]+\] +\d+ % [\d,]+/, word)
    const dumb = await onTerminal(`linkstore -d ${store} ${word}`, { TERM: 'dumb' })
    t.notMatch(dumb.stdout.toString(), '\u001b', 'a terminal that cannot clear a line')
    const piped = await run(word.split(' '))
    t.notMatch(piped.stderr, /ing \[|\r/, 'nothing under pipes')
  }
})

await t.test('Ctrl-C in the midst leaves nothing behind', { skip, timeout: 400_000 }, async (t) => {
  const { dir, tree, store } = scratch(t, { tree: {}, place: {} })
  growTree(tree)
  fillMany(store)
  const copy = (name: string): string => {
    fs.cpSync(store, join(dir, name), { recursive: true })
    return join(dir, name)
  }
  const archive = join(dir, 'x.tar')
  const tar = await start('bash', ['-c', `tar -cf ${archive} -C ${tree} .`], { input: '' }).ended
  t.equal(tar.status, 0, tar.stderr)
  const cases: [line: string, store: string][] = [
    [`import ${tree}`, join(dir, 'imported')],
    [`import --tar < ${archive}`, join(dir, 'untarred')],
    [`export ${join(dir, 'out')}`, copy('exported')],
    [`export --tar > ${join(dir, 'out.tar')}`, copy('tarred')],
    ['verify', copy('verified')],
    ['clear --yes', copy('cleared')],
    ['sweep --max-objects 5', copy('swept')],
    ['destroy --yes', copy('destroyed')],
    [`bench ${join(dir, 'place')}`, store],
  ]
  await eachCase(cases, async ([line, at]) => {
    let isPressed = false
    const { status, stdout } = await onTerminal(
      `linkstore ${line}`,
      { LINKSTORE_DIR: at },
      (text, press) => {
        if (isPressed || !text.includes('[')) return
        isPressed = true
        press('\u0003')
      },
    )
    const text = stdout.toString()
    t.equal(status, 130, `${line}: ${text.slice(-300)}`)
    const last = text.split(CLEAR_LINE).at(-1) ?? ''
    t.match(last, /^linkstore: interrupted by SIGINT\r\n$/, line)
    t.same(leftovers(at), [], line)
  })
  t.same(fs.readdirSync(join(dir, 'place')), [], 'the store of bench is gone')
  const names = fs.readdirSync(join(dir, 'out'))
  t.same(
    names.filter((name) => !name.startsWith('file-')),
    [],
  )
})

await t.test('an import or export goes on where it was killed', async (t) => {
  const { dir, tree, out, store, run } = scratch(t, { tree: {} })
  growTree(tree)
  const kill = async (words: string[], isUnderWay: () => boolean): Promise<void> => {
    const env = { LINKSTORE_DIR: store }
    const { child, ended } = start(process.execPath, [MAIN, ...words], { input: '', env })
    await until(isUnderWay)
    child.kill('SIGKILL')
    t.equal((await ended).status, 'SIGKILL')
  }
  const resume = async (words: string[]): Promise<Record<'files' | 'unchanged', number>> => {
    const { status, stdout, stderr } = await run([...words, '--json'])
    t.equal(status, 0, stderr)
    return JSON.parse(stdout.toString()) as Record<'files' | 'unchanged', number>
  }
  await kill(['import', tree], () => fs.existsSync(store) && fs.readdirSync(store).length > 100)
  const imported = await resume(['import', tree])
  t.ok(imported.unchanged > 20, `${imported.unchanged} were there`)
  t.equal(imported.files + imported.unchanged, OBJECTS)
  t.match(await resume(['import', tree]), { files: 0, unchanged: OBJECTS })

  await kill(['export', out], () => fs.existsSync(out) && fs.readdirSync(out).length > 100)
  const leaver = start('true', [], { input: '' })
  await leaver.ended
  const [mark = ''] = fs.readdirSync(out).filter((name) => name.startsWith('.linkstore-'))
  const exported = await resume(['export', out])
  t.ok(exported.unchanged > 20, `${exported.unchanged} were there`)
  t.equal(exported.files + exported.unchanged, OBJECTS)
  t.match(await resume(['export', out]), { files: 0, unchanged: OBJECTS })
  t.same(
    fs.readdirSync(out).filter((name) => !name.startsWith('file-')),
    [],
    `what the killed one left is gone (${mark})`,
  )
  const { status } = await start('diff', ['-r', tree, out], { input: '' }).ended
  t.equal(status, 0)
  t.ok(dir)
})

await t.test('a time of modification counts two seconds before the copy, not later', async (t) => {
  const { store } = scratch(t)
  fill(store, { file: 'v' })
  const info = openSync(store).stat('file')!
  const isSettled = (ageMs: number): boolean => {
    const mtime = String((info.writtenAtMs - ageMs) / 1000)
    return isSettledObject({ ...info, metadata: { mtime } })
  }
  const ages = [3000, 2001, 1999, 500, 0, -60_000]
  t.same(ages.map(isSettled), [true, true, false, false, false, false])
  t.notOk(isSettledObject({ ...info, metadata: {} }), 'nor does one that is not known')
})

await t.test('what differs is never left alone', async (t) => {
  const { tree, out, store, run } = scratch(t, { tree: {} })
  const path = join(tree, 'file')
  const put = (text: string, mtime: number, mode = 0o644): void => {
    fs.writeFileSync(path, text)
    fs.chmodSync(path, mode)
    fs.utimesSync(path, mtime, mtime)
  }
  const get = (): string | undefined => openSync(store).get('file')?.toString()
  const imports = async (...words: string[]): Promise<string> => {
    t.match(await run(['import', tree, ...words]), { status: 0 })
    return get() ?? ''
  }
  put('one', 1000)
  t.equal(await imports(), 'one')
  put('two', 1001)
  t.equal(await imports(), 'two', 'another time')
  put('three', 1001)
  t.equal(await imports(), 'three', 'another size')
  put('three', 1001, 0o600)
  await imports()
  t.equal(openSync(store).stat('file')?.metadata['mode'], '600', 'another mode')
  put('throw', 1001, 0o600)
  t.equal(await imports('--checksum'), 'throw', 'other bytes, if it is to look')
  // Not before it is copied, however long that takes to begin.
  const soonS = Math.floor(Date.now() / 1000) + 60
  put('racy1', soonS)
  t.equal(await imports(), 'racy1')
  put('racy2', soonS)
  t.equal(await imports(), 'racy2', 'a time that is too near to be trusted')

  const exports = async (...words: string[]): Promise<string> => {
    t.match(await run(['export', out, ...words]), { status: 0 })
    return fs.readFileSync(join(out, 'file'), 'utf8')
  }
  fill(store, { file: 'one' }, { metadata: { mode: '640', mtime: '1000.000000000' } })
  t.equal(await exports(), 'one')
  const { ino } = fs.statSync(join(out, 'file'))
  await exports()
  t.equal(fs.statSync(join(out, 'file')).ino, ino, 'the same is left alone')
  fs.writeFileSync(join(out, 'file'), 'own')
  t.equal(await exports(), 'one', 'another time')
  fs.chmodSync(join(out, 'file'), 0o600)
  await exports()
  t.equal(fs.statSync(join(out, 'file')).mode & 0o777, 0o640, 'another mode')
  fs.writeFileSync(join(out, 'file'), 'own')
  fs.utimesSync(join(out, 'file'), 1000, 1000)
  t.equal(await exports('--checksum'), 'one', 'other bytes, if it is to look')
  fill(store, { file: 'two' })
  t.equal(await exports(), 'two')
  fill(store, { file: 'six' })
  t.equal(await exports(), 'six', 'written later')
})

/** All the same, so that every use is as good or as bad as it can be. */
function measured(perSecond: number, p99Ms: number): Measurements {
  const figures = { perSecond, p50Ms: p99Ms, p99Ms, calls: 100 }
  return Object.fromEntries(MEASUREMENTS.map((id) => [id, figures])) as Measurements
}

await t.test('bench says what a directory is good for, and by which figure', async (t) => {
  const { dir, run } = scratch(t, { place: { own: 'file' } })
  const words = ['bench', join(dir, 'place'), '--seconds', '2']
  const shown = await run(words)
  t.equal(shown.status, 0, shown.stderr)
  const text = shown.stdout.toString()
  for (const label of Object.values(LABELS)) t.match(text, label)
  for (const { name } of USES) t.match(text, `  ${name}\n`)
  t.match(text, /\n(Good|Not good) for:\n/)
  t.match(text, /page cache/)
  const { stdout } = await run([...words, '--json'])
  const report = JSON.parse(stdout.toString()) as { measurements: Measurements; uses: unknown[] }
  t.same(Object.keys(report.measurements), [...MEASUREMENTS])
  t.ok(Object.values(report.measurements).every(({ perSecond }) => perSecond > 0))
  t.equal(report.uses.length, USES.length)
  t.same(fs.readdirSync(join(dir, 'place')), ['own'])

  const missing = await run(['bench', join(dir, 'nowhere')])
  t.match(missing, { status: 3, stderr: /cannot read .*nowhere: no such file or directory/ })
  t.match(await run([...words.slice(0, 2), '--seconds', '0']), { status: 2, stderr: /--seconds/ })
  t.ok(judgeUses(measured(1e12, 0)).every(({ isGood }) => isGood))
  const bad = judgeUses(measured(0.5, 1e6))
  t.ok(bad.every(({ isGood }) => !isGood))
  t.same(
    bad.map(({ reasons }) => reasons.length),
    USES.map(({ needs }) => needs.length),
    'each need that is not met is told',
  )
  const [queue] = judgeUses(measured(19, 0)).filter(({ use }) => use === 'a job queue')
  t.same(queue?.reasons, ['19 jobs pushed, claimed and done per second (at least 20)'])
})

await t.test('the limits of bench stand in the documentation', async (t) => {
  const page = fs.readFileSync('docs/cli.md', 'utf8')
  for (const { name, needs } of USES) {
    const words = needs.map((need) => `${limitText(need)} ${need.words}`).join('; ')
    t.ok(page.includes(`| ${name} | ${words} |`), `| ${name} | ${words} |`)
  }
})
