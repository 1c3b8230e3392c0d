/** Makes, or with `--check` compares, every generated file that is committed. */
import './generate-prisma.ts'
import './generate-vendors.ts'
import './generate-rules.ts'
import './generate-routes.ts'
import './generate-openapi.ts'
