/** Who is signed in, and what happens when that ends in the middle of something. */
import type { Me, Permission } from '@heliograph/crm-core/contracts'

class Session {
  me = $state.raw<Me | undefined>(undefined)
  /** Set while a request waits for the person to sign in again; the frame shows the dialog. */
  ended = $state(false)
  #waiting: ((again: boolean) => void)[] = []

  may(permission: Permission): boolean {
    return this.me?.permissions.includes(permission) ?? false
  }
  /** A customer of the company, not one of its people. */
  get isCustomer(): boolean {
    return this.me !== undefined && this.me.roles.length > 0 && this.me.roles.every((role) => role === 'customer')
  }

  /** Asks the person to sign in over the page, which stays as it is. False when they leave instead. */
  signInAgain(): Promise<boolean> {
    if (!this.me) return Promise.resolve(false)
    this.ended = true
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** @returns whether the page may stay: another person must not go on in what the first one left open */
  signedInAgain(me: Me): boolean {
    const same = this.me?.user.id === me.user.id
    this.me = me
    this.#settle(same)
    return same
  }
  givenUp(): void {
    this.#settle(false)
  }
  clear(): void {
    this.me = undefined
    this.#settle(false)
  }

  #settle(again: boolean): void {
    this.ended = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve(again)
  }
}

export const session = new Session()
