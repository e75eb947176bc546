/**
 * An experiment: a worker thread with the synchronous face, which gets what was asked for within
 * one turn of the event loop in one message, and answers it in one.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { openSync } from '../../index.js'
import type { Subject } from './subject.js'

type Asked = readonly (readonly [key: string, value: Uint8Array | undefined])[]
type Answers = readonly (Uint8Array | undefined)[]
type Settle = (answer: Uint8Array | undefined) => void

interface Data {
  readonly storeOfThread: string
}

export function threadSubject(directory: string): Subject {
  const data: Data = { storeOfThread: directory }
  const worker = new Worker(new URL(import.meta.url), { workerData: data })
  let asked: [key: string, value: Uint8Array | undefined][] = []
  let settles: Settle[] = []
  const underWay: Settle[][] = []
  worker.on('message', (answers: Answers) => {
    const settling = underWay.shift() ?? []
    for (const [index, settle] of settling.entries()) settle(answers[index])
  })
  const send = (): void => {
    worker.postMessage(asked)
    underWay.push(settles)
    asked = []
    settles = []
  }
  const ask = (key: string, value?: Buffer): Promise<Buffer | undefined> =>
    new Promise((resolve) => {
      if (asked.length === 0) queueMicrotask(send)
      asked.push([key, value])
      settles.push((answer) => resolve(answer && Buffer.from(answer.buffer)))
    })
  return {
    get: (key) => ask(key),
    set: (key, value) => ask(key, value),
    close: () => worker.terminate(),
  }
}

function serve(directory: string): void {
  const store = openSync(directory, { durability: 'none' })
  parentPort?.on('message', (asked: Asked) => {
    const answers = asked.map(([key, value]) => {
      if (value === undefined) return plainCopy(store.get(key))
      store.set(key, value)
      return undefined
    })
    parentPort?.postMessage(answers)
  })
}

/** Small buffers share their memory, all of which a message would take along. */
function plainCopy(value: Buffer | undefined): Uint8Array | undefined {
  return value && new Uint8Array(value)
}

const given = workerData as Partial<Data> | null
if (!isMainThread && given?.storeOfThread !== undefined) serve(given.storeOfThread)
