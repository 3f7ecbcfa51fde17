"""The benchmark: compare relays that do the same work, measured from outside; see ``python -m benchmarks --help``.

::

    __main__        the command line
    scenarios       the relays and the loads
    peers/          one short file for each relay that ours is compared with
    server          one relay as a process: start it, read its CPU time and memory, end it
    launch          set up the process of a relay before it runs
    load            the processes that generate load, and their schedule
    cameras         one process that sends frames at a steady rate
    viewers         one process that receives frames with little CPU time, and reads their stamps
    slow_viewer     one process that reads at a third of the rate
    rest_client     one process that requests the latest frame again and again
    client          the WebSocket client of these processes
    picture         JPEGs of a given size that contain the time of sending
    memory          how much memory each library adds to our server
    measure         one run: a relay, its load, the figures
    against         this checkout compared with another one
    access          our server with a key for each client compared with one that is open to everybody
    report          medians, ratios, and a table on the terminal
    documents, plot the files in docs/ that a run writes
"""
