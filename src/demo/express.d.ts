// The little of express 4 that the embedded endpoint uses; the package ships no types of its own.
declare module 'express' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export type Handler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;
  export interface Application {
    (request: IncomingMessage, response: ServerResponse): void;
    use(path: string, ...handlers: readonly Handler[]): Application;
    disable(setting: string): Application;
  }
  export interface Request extends IncomingMessage {}
  export interface Router extends Handler {}
  export const Router: new (options?: object) => Router;
  const express: () => Application;
  export default express;
}
