"""The benchmark: relays of the same work side by side, measured from outside; ``python -m benchmarks --help``.

::

    __main__        the command line
    scenarios       what is run, and with how much
    peers/          one short file for each relay that ours is compared with
    server          one relay as a process: start it, read its CPU time and memory, end it
    load            the generator's processes and the schedule they keep
    cameras         one process that sends frames at a steady rate
    viewers         one process that takes them as cheaply as the kernel allows, and looks at their stamps
    slow_viewer     one process that reads at a third of the rate
    rest_client     one process that asks for the latest frame again and again
    picture         JPEGs of a wanted size with the time of sending in them
    memory          what an idle server's memory is made of
    measure         one run: a relay, its load, the figures
    report          medians and ratios, and a table on the terminal
    documents, plot what a run leaves in docs/
"""
