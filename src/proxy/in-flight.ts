/** A member of an InFlight list; it carries its own links, so that entering and leaving cost nothing. */
export interface Linked {
  previous: Linked | null;
  next: Linked | null;
  /** Of the monotonic clock. */
  readonly startedAt: number;
}

/** What is in flight, oldest first. One sweep over the oldest takes the place of a timer for each request. */
export class InFlight<Member extends Linked> {
  #oldest: Member | null = null;
  #newest: Member | null = null;

  add(member: Member): void {
    member.previous = this.#newest;
    member.next = null;
    if (this.#newest === null) this.#oldest = member;
    else this.#newest.next = member;
    this.#newest = member;
  }

  remove(member: Member): void {
    if (member.previous === null && this.#oldest !== member) return;
    if (member.previous === null) this.#oldest = member.next as Member | null;
    else member.previous.next = member.next;
    if (member.next === null) this.#newest = member.previous as Member | null;
    else member.next.previous = member.previous;
    member.previous = null;
    member.next = null;
  }

  /** Those that began before the moment. The list may change while they are looked at. */
  startedBefore(moment: number): readonly Member[] {
    const found: Member[] = [];
    for (let each = this.#oldest; each !== null && each.startedAt < moment; each = each.next as Member | null) {
      found.push(each);
    }
    return found;
  }
}
