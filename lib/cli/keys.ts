import { Option, type Command } from 'commander'
import type { Keyring } from '../layers/sealed.js'
import { EXIT } from './failure.js'
import { creating, EXISTING, examples } from './options.js'
import { addSubcommand } from './output.js'
import { safeText } from './safe-text.js'
import { identityOf, publicKeys } from './seal.js'
import type { Session } from './session.js'
import { writeStdout } from './stdout.js'

const HELP =
  `
A sealed store is encrypted for its recipients and signed by its writers. An identity is a file
with secret keys; what others need of it is its public key. RECIPIENT is a public key, or a file of
them.
` +
  examples(
    'linkstore keys generate me.identity --comment ada > me.public',
    'export LINKSTORE_IDENTITY=me.identity LINKSTORE_DIR=things',
    'linkstore keys init && linkstore set greeting "Hello, world"',
    'linkstore keys recipients add bob.public',
    'linkstore keys recipients remove bob.public',
    'linkstore keys rotate',
  )

interface GenerateFlags {
  readonly comment?: string
  readonly lock?: boolean
}

/** `keys`: identities, and who can read a sealed store. */
export function configure(command: Command, session: Session): void {
  command.addHelpText('after', HELP)
  addSubcommand(command, 'generate <file>', 'make an identity, and print its public key')
    .option('--comment <text>', 'whose it is; stands behind the public key')
    .addOption(new Option('--lock', 'lock the file with the passphrase in LINKSTORE_PASSPHRASE'))
    .addHelpText('after', examples('linkstore keys generate me.identity --comment ada'))
    .action((file: string, flags: GenerateFlags) => generate(session, file, flags))
  addSubcommand(command, 'public', 'print the public key of an identity')
    .addHelpText('after', examples('linkstore keys public --identity me.identity'))
    .action(async () => {
      const { publicKey } = await identityOf(session.requireSeal())
      await print(session, [publicKey])
    })
  addSubcommand(command, 'init [recipient...]', 'make a sealed store')
    .addHelpText('after', examples('linkstore -d things keys init bob.public'))
    .action((words: string[]) => init(session, words))
  addSubcommand(command, 'rotate', 'seal what is written from now on with a new key')
    .addHelpText('after', examples('linkstore -d things keys rotate'))
    .action(() => change(session, (keyring, how) => keyring.rotate(how)))
  configureRecipients(command, session)
}

function configureRecipients(parent: Command, session: Session): void {
  const command = addSubcommand(parent, 'recipients', 'who can read a sealed store')
  const example = (words: string): string =>
    examples(`linkstore -d things keys recipients ${words}`)
  addSubcommand(command, 'list', 'print the public keys of the recipients')
    .addHelpText('after', example('list'))
    .action(() =>
      withKeyring(session, (keyring) => print(session, keyring.recipients.map(safeText))),
    )
  addSubcommand(command, 'add <recipient...>', 'let others read, too')
    .addHelpText('after', example('add bob.public'))
    .action(async (words: string[]) => {
      const keys = await publicKeys(words)
      await change(session, (keyring, how) => keyring.addRecipients(keys, how))
    })
  addSubcommand(command, 'remove <recipient...>', 'let others not read what is written from now on')
    .addHelpText('after', example('remove bob.public'))
    .action(async (words: string[]) => {
      const keys = await publicKeys(words)
      await change(session, (keyring, how) => keyring.removeRecipients(keys, how))
    })
}

async function generate(
  session: Session,
  file: string,
  { comment, lock = false }: GenerateFlags,
): Promise<void> {
  const { generateIdentity, writeIdentity } = await import('../layers/sealed.js')
  const passphrase = lock ? process.env['LINKSTORE_PASSPHRASE'] : undefined
  if (lock && passphrase === undefined) {
    throw new TypeError('there is no passphrase to lock it with; set LINKSTORE_PASSPHRASE')
  }
  const identity = generateIdentity()
  await writeIdentity(file, identity, { comment, passphrase })
  await print(session, [`${identity.publicKey} ${comment ?? ''}`.trimEnd()])
}

async function init(session: Session, words: readonly string[]): Promise<void> {
  const recipients = await publicKeys(words)
  const identity = await identityOf(session.requireSeal())
  await session.withStored(creating({}), async (files) => {
    const { createKeyring } = await import('../layers/sealed.js')
    const { signal } = session
    if (await createKeyring(files, { identity, recipients, signal })) return
    session.note('the store is sealed already; nothing was changed')
    session.status = EXIT.absent
  })
}

/** Changes the recipients of a store, and says who they are then. */
async function change(
  session: Session,
  work: (keyring: Keyring, how: { readonly signal: AbortSignal }) => Promise<void>,
): Promise<void> {
  await withKeyring(session, async (keyring) => {
    await work(keyring, { signal: session.signal })
    const { recipients, generation } = keyring
    session.note(`the keyring is at generation ${generation}, recipients: ${recipients.length}`)
  })
}

async function withKeyring(
  session: Session,
  work: (keyring: Keyring) => Promise<void>,
): Promise<void> {
  const seal = session.requireSeal()
  const identity = await identityOf(seal)
  const keepers = await publicKeys(seal.trust)
  await session.withStored(EXISTING, async (files) => {
    const { openKeyring } = await import('../layers/sealed.js')
    await work(await openKeyring(files, { identity, keepers, signal: session.signal }))
  })
}

async function print(session: Session, lines: readonly string[]): Promise<void> {
  await writeStdout(Buffer.from(lines.map((line) => `${line}\n`).join('')), session.signal)
}
