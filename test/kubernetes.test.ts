import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CronJob, type ICronJob } from 'kubernetes-models/batch/v1/CronJob'
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1/Deployment'
import {
  PersistentVolumeClaim,
  type IPersistentVolumeClaim,
} from 'kubernetes-models/v1/PersistentVolumeClaim'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { open } from '../index.js'
import { linkstore, MAIN } from './cli/command.js'
import { until } from './support/coordination.js'
import { plain } from './support/plain.js'
import { scratchDirectory } from './support/surroundings.js'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const DIRECTORY = join(REPOSITORY, 'examples/kubernetes')
const MOUNT = '/mnt/shared'

/** What the manifests can be, as the schemas of Kubernetes have it. */
const KINDS: Record<string, (manifest: never) => { validate(): void }> = {
  CronJob: (manifest: ICronJob) => new CronJob(manifest),
  Deployment: (manifest: IDeployment) => new Deployment(manifest),
  PersistentVolumeClaim: (manifest: IPersistentVolumeClaim) => new PersistentVolumeClaim(manifest),
}

function manifestsIn(name: string): unknown[] {
  const text = readFileSync(join(DIRECTORY, name), 'utf8')
  return parseAllDocuments(text, { strict: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings]
    if (problem !== undefined) throw problem
    return document.toJS() as unknown
  })
}

/** The one manifest in a file. */
function manifest(name: string): unknown {
  const all = manifestsIn(name)
  t.equal(all.length, 1)
  return all[0]
}

const deployment = manifest('deployment.yaml') as IDeployment
const sweep = manifest('sweep.yaml') as ICronJob
const claim = manifest('volume.yaml') as IPersistentVolumeClaim
const server = deployment.spec!.template.spec!
const sweeper = sweep.spec.jobTemplate.spec!.template.spec!

/** The words of a command in a manifest, for a volume that is mounted somewhere else. */
function wordsAt(command: readonly string[] | undefined, mount: string): string[] {
  return (command ?? []).map((word) => word.replaceAll(MOUNT, mount))
}

await t.test('the manifests are as the schemas of Kubernetes have them', async (t) => {
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith('.yaml'))
  t.ok(names.length >= 3)
  for (const manifest of names.flatMap((name) => manifestsIn(name))) {
    const { kind } = manifest as { kind: string }
    t.doesNotThrow(() => KINDS[kind]!(manifest as never).validate(), kind)
  }
  const spec = { ...deployment.spec!, replicas: 'three' as never }
  t.throws(() => new Deployment({ ...deployment, spec }).validate(), 'a mistake is found')
})

await t.test('all of them speak of one volume, group and place', async (t) => {
  t.same(claim.spec?.accessModes, ['ReadWriteMany'])
  for (const pod of [server, sweeper]) {
    t.same(pod.volumes, [
      { name: 'things', persistentVolumeClaim: { claimName: claim.metadata?.name } },
    ])
    for (const { volumeMounts } of [...(pod.initContainers ?? []), ...pod.containers]) {
      t.same(volumeMounts, [{ name: 'things', mountPath: MOUNT }])
    }
    t.match(pod.securityContext, { fsGroup: 2000, fsGroupChangePolicy: 'OnRootMismatch' })
  }
})

await t.test('the commands in them do what they are there for', async (t) => {
  const mount = await scratchDirectory(t)
  await (await open(join(mount, 'things'), { dirMode: 0o2770 })).close()
  // The shell has the command on its path, as in the image.
  const bin = join(mount, 'bin')
  mkdirSync(bin)
  symlinkSync(MAIN, join(bin, 'linkstore'))
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, LINKSTORE_DIR: join(mount, 'things') }
  const statusOf = async (words: readonly string[]): Promise<unknown> => {
    const [file = '', ...rest] = words
    const command =
      file === 'linkstore'
        ? [process.execPath, MAIN, ...rest]
        : [file, ...rest.map((word) => word.replace('linkstore', `node ${MAIN}`))]
    return (await once(spawn(...plain(command), { env }), 'close'))[0]
  }
  const { initContainers = [], containers } = server
  const [doctor] = initContainers
  t.equal(await statusOf(wordsAt(doctor?.command, mount)), 0)
  const liveness = containers[0]?.livenessProbe?.exec?.command
  t.equal(await statusOf(wordsAt(liveness, mount)), 0)
  t.equal(await statusOf(wordsAt(sweeper.containers[0]?.command, mount)), 0)
  const settings = containers[0]?.env?.find(({ name }) => name === 'LINKSTORE_DIR')
  t.equal(settings?.value, `${MOUNT}/things`)
})

/** A port that nobody uses. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

await t.test('the server keeps what it is sent, and ends without a trace', async (t) => {
  const root = join(await scratchDirectory(t), 'things')
  const start = async () => {
    const port = await freePort()
    const env = { PATH: process.env['PATH'], LINKSTORE_DIR: root, PORT: String(port) }
    const child = spawn(...plain([process.execPath, join(DIRECTORY, 'server.js')]), {
      env,
      stdio: 'inherit',
    })
    t.teardown(() => child.kill('SIGKILL'))
    const url = `http://localhost:${port}`
    const isReady = async (): Promise<boolean> =>
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    await until(isReady, 'the server answers')
    return { child, url }
  }
  const [one, other] = await Promise.all([start(), start()])
  const headers = { 'content-type': 'text/plain' }
  const put = await fetch(`${one.url}/notes/1`, { method: 'PUT', body: 'a note', headers })
  t.equal(put.status, 204)
  const got = await fetch(`${other.url}/notes/1`)
  t.equal(await got.text(), 'a note')
  t.equal(got.headers.get('content-type'), 'text/plain')
  t.equal((await fetch(`${other.url}/absent`)).status, 404)
  for (const { child } of [one, other]) {
    child.kill('SIGTERM')
    t.same(await once(child, 'close'), [0, null])
  }
  t.same(readdirSync(join(root, '.tmp')), [])
  t.equal(statSync(root).mode & 0o7777, 0o2770)
  t.match(await linkstore(['-d', root, 'get', '/notes/1']), { status: 0 })
})
