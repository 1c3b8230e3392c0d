import { mount } from 'svelte'
import '../../src/tokens.css'
import LiveCharts from './LiveCharts.svelte'

mount(LiveCharts, { target: document.body })
