/**
 * Writes marks into the logs of dm-log-writes, at the place that the log has reached. `dmsetup`
 * does it too, but a process for each mark takes a guest some 200 ms, and Node has no ioctl.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** DM_TARGET_MSG with a struct dm_ioctl of version 4.0.0 and a struct dm_target_msg behind it. */
const PROGRAM = `
open(my $control, '+<', '/dev/mapper/control') or die "control: $!";
$| = 1;
while (my $line = <STDIN>) {
  chomp $line;
  my ($device, $text) = split / /, $line, 2;
  my $message = pack('Q', 0) . "mark $text\\0";
  my @head = (4, 0, 0, 312 + length $message, 312, 0, 0, 0, 0, 0, 0, $device, '');
  my $request = pack('L3 L3 l L3 Q a128 a129 x7', @head) . $message;
  print ioctl($control, 0xC138FD0E, $request) ? "ok\\n" : "$!\\n";
}`

/** Marks logs, one mark after the other. */
export class Marker {
  readonly #child = spawn('perl', ['-e', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] })
  readonly #answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]()
  #last: Promise<void> = Promise.resolve()

  /** Resolves when the mark is in its place in the log. */
  mark(device: string, text: string): Promise<void> {
    const ask = async (): Promise<void> => {
      this.#child.stdin.write(`${device} ${text}\n`)
      const answer = (await this.#answers.next()).value as string | undefined
      if (answer !== 'ok') throw new Error(`the mark was not written: ${answer ?? 'no answer'}`)
    }
    this.#last = this.#last.then(ask)
    return this.#last
  }

  close(): void {
    this.#child.stdin.end()
  }
}
