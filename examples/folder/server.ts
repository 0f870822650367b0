/** A server on stdio, for examples that start one. */
import { FastMCP } from 'fastmesh'

await new FastMCP({ name: 'Files', version: '1.0.0' })
  .addTool({ name: 'where', execute: () => process.cwd() })
  .start()
